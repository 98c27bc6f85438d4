package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

var txtPeopleJudge = tr(`
Everybody was told what concerns him, once: %d messages to %d people; nothing reached anybody else.
%d activities and their to-dos, and %d meetings, ended alike on both sides; %d channels and their groups hold the same people and the same talk. %d counted calls in all.`, `
每个人都收到了与己有关的消息，且只收到一次：%d 条，%d 人；没有任何人收到多余的消息。
%d 项活动与待办、%d 次会议两边结局一致；%d 个频道与群的成员和发言一致。计费调用共 %d 次。`)

// judgePeople holds what everybody got against what he was to be told.
func (d *demo) judgePeople(ctx context.Context, ended <-chan error) error {
	n := d.newsroom
	var wrong []string
	err := d.await(ctx, ended, demoArriveWithin, 20*demoLook, func() bool {
		wrong = n.wrong()
		return len(wrong) == 0
	})
	if err := d.tellDifferences(err, wrong); err != nil {
		return err
	}
	people := map[string]bool{}
	for _, one := range n.owed {
		people[one.userid] = true
	}
	d.tell(txtPeopleJudge, len(n.owed), len(people), len(n.todos), len(n.appointments), len(n.clubs), d.stage.ding.CountedCalls()-d.looks)
	return d.inSync(ctx)
}

// wrong are the points in which what people got differs from what they were to be told.
func (n *newsroom) wrong() []string {
	var out []string
	owed := map[string][]debt{}
	for _, one := range n.owed {
		owed[one.userid] = append(owed[one.userid], one)
		got := n.receipts(one)
		if len(got) != 1 {
			out = append(out, fmt.Sprintf("%s was told %d times: %s", n.nameOf(one.userid), len(got), one.words))
		} else if got[0].Recalled != one.recalled {
			out = append(out, fmt.Sprintf("%s: recalled is %t: %s", n.nameOf(one.userid), got[0].Recalled, one.words))
		}
	}
	for _, u := range n.ding.Users() {
		for _, r := range n.ding.Received(u.UserID) {
			if !slices.ContainsFunc(owed[u.UserID], func(one debt) bool { return strings.Contains(string(r.Content), one.words) }) {
				out = append(out, fmt.Sprintf("%s was told what does not concern him: %s", n.nameOf(u.UserID), wordsOf(r.Content)))
			}
		}
	}
	for what, times := range n.ding.Duplicates() {
		out = append(out, fmt.Sprintf("%d times: %s", times, what))
	}
	return slices.Concat(out, n.wrongTodos(), n.wrongMeetings(), n.wrongClubs())
}
