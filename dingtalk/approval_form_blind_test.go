package dingtalk

import (
	"errors"
	"strings"
	"testing"
)

func TestEncodeFormBlind(t *testing.T) {
	form, err := EncodeFormBlind(map[string]any{
		"事由": "回家", "天数": 2.5, "次数": int64(3), "空": "", "没有": nil, "空表": []any{},
		"同事": []any{"zhangsan"}, "颜色": []string{"红", "蓝"}, "部门": "42",
		"明细": []any{map[string]any{"品名": "纸", "数量": 2}, map[string]any{"品名": "笔", "照片": []any{"https://a/b.png"}}, map[string]any{"品名": ""}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, v := range form {
		got[v.Name] = v.Value
		if v.Type != "" || v.ID != "" {
			t.Errorf("%s has a type %q or an id %q, which nobody knows", v.Name, v.Type, v.ID)
		}
	}
	for label, want := range map[string]string{
		"事由": "回家", "天数": "2.5", "次数": "3", "同事": `["zhangsan"]`, "颜色": `["红","蓝"]`, "部门": "42",
		"明细": `[[{"name":"品名","value":"纸"},{"name":"数量","value":"2"}],[{"name":"品名","value":"笔"},{"name":"照片","value":"[\"https://a/b.png\"]"}]]`,
	} {
		if got[label] != want {
			t.Errorf("%s: %s, want %s", label, got[label], want)
		}
		delete(got, label)
	}
	if len(got) > 0 {
		t.Errorf("what is empty is sent: %v", got)
	}
}

func TestEncodeFormBlindRefuses(t *testing.T) {
	for words, v := range map[string]any{
		"a text expected, got map": map[string]any{"start": "2026-01-01", "end": "2026-01-02"},
		"at most 65535":            strings.Repeat("字", maxFormValue+1),
		"one value expected":       []any{[]any{"a"}, []any{"b", "c"}},
		"rows by the labels":       []any{map[string]any{"品名": "纸"}, "笔"},
	} {
		form, err := EncodeFormBlind(map[string]any{"值": v})
		var wrong *FormError
		if !errors.As(err, &wrong) || wrong.Label != "值" || form != nil {
			t.Errorf("%s: %v, %v", words, form, err)
			continue
		}
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %s", err, words)
		}
	}
}
