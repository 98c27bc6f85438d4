package dingtalk

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestMessagesAreJoined(t *testing.T) {
	text := func(s string) Object { return Object{"text.content": s} }
	for name, c := range map[string]struct {
		given []Object
		want  string
	}{
		"one stays as it is": {[]Object{text("一")}, `[0] text.content=一`},

		"texts become one text": {[]Object{text("一"), text("二"), text("三")}, "[0 1 2] text.content=一\n二\n三"},

		"everything else becomes one markdown": {
			[]Object{
				{"markdown.title": "甲", "markdown.text": "# 甲"},
				{"link.title": "乙", "link.text": "说明", "link.messageUrl": "https://a/1", "link.picUrl": "https://a/p"},
				{"action_card.title": "丙", "action_card.markdown": "**丙**", "action_card.single_title": "看", "action_card.single_url": "https://a/2"},
				{"feed_card.links": []any{
					map[string]any{"title": "丁", "messageURL": "https://a/3", "picURL": "https://a/p"},
					map[string]any{"title": "戊", "messageURL": "https://a/4", "picURL": "https://a/p"},
				}},
			},
			"[0 1 2 3] markdown.text=# 甲\n\n---\n\n[乙](https://a/1)\n\n说明\n\n---\n\n**丙**\n\n[看](https://a/2)\n\n---\n\n[丁](https://a/3)\n\n[戊](https://a/4) markdown.title=甲 (4)",
		},
		"a card with several buttons": {
			[]Object{
				{"markdown.title": "甲", "markdown.text": "甲"},
				{"action_card.title": "乙", "action_card.markdown": "乙", "action_card.btn_json_list": []any{
					map[string]any{"title": "是", "action_url": "https://a/1"}, map[string]any{"title": "否", "action_url": "https://a/2"},
				}},
			},
			"[0 1] markdown.text=甲\n\n---\n\n乙\n\n[是](https://a/1)\n\n[否](https://a/2) markdown.title=甲 (2)",
		},
		"a text and a markdown do not mix, and the order stays": {
			[]Object{text("一"), {"markdown.title": "甲", "markdown.text": "甲"}, text("二")},
			"[0] text.content=一; [1] markdown.text=甲 markdown.title=甲; [2] text.content=二",
		},
		"what is no message stays alone": {
			[]Object{text("一"), {"text.content": "x", "markdown.text": "y"}, text("二"), text("三")},
			"[0] text.content=一; [1] markdown.text=y text.content=x; [2 3] text.content=二\n三",
		},
		"whoever is mentioned is mentioned": {
			[]Object{
				{"text.content": "一", "at.atUserIds": []any{"u2", "u1"}},
				{"text.content": "二", "at.isAtAll": true},
				{"text.content": "三 @u1", "at.atUserIds": []string{"u1"}, "at.atMobiles": []string{"13800000000"}},
			},
			"[0 1 2] at.atMobiles=[13800000000] at.atUserIds=[u1 u2] at.isAtAll=true text.content=一 @u2 @u1\n二\n三 @u1 @13800000000",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, j := range JoinMessages(c.given) {
				words := []string{fmt.Sprint(j.Of)}
				for _, key := range sortedKeys(j.Message) {
					words = append(words, fmt.Sprintf("%s=%v", key, j.Message[key]))
				}
				got = append(got, strings.Join(words, " "))
			}
			if strings.Join(got, "; ") != c.want {
				t.Errorf("got  %q\nwant %q", strings.Join(got, "; "), c.want)
			}
		})
	}
}

// TestJoinedMessagesKeepWithinTheLimits: each of them can be sent, none is cut, and nothing is left out.
func TestJoinedMessagesKeepWithinTheLimits(t *testing.T) {
	var given []Object
	for i := range 200 {
		given = append(given, Object{
			"markdown.title": "通知", "markdown.text": strings.Repeat("字", i*7), "at.atUserIds": []string{fmt.Sprintf("u%d", i)},
		})
	}
	given[0]["markdown.text"], given[150]["markdown.text"] = "一", strings.Repeat("长", 5000)
	var of []int
	joined := JoinMessages(given)
	for _, j := range joined {
		if _, err := webhookBody(pathWebhook, j.Message); err != nil {
			t.Errorf("%v: %v", j.Of, err)
		}
		of = append(of, j.Of...)
	}
	for i := range given {
		if !slices.Contains(of, i) {
			t.Errorf("message %d is left out", i)
		}
	}
	if len(of) != len(given) || !slices.IsSorted(of) || len(joined) > 60 {
		t.Errorf("%d messages in %d: %v", len(of), len(joined), of)
	}
}
