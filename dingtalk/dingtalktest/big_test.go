package dingtalktest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// fill adds n people over the given number of departments.
func fill(tb testing.TB, s *Server, n, departments int) {
	tb.Helper()
	s.Quiet(func() {
		ids := make([]int64, departments)
		for i := range ids {
			ids[i] = s.AddDepartment(Department{Name: fmt.Sprint("部门", i)})
		}
		for i := range n {
			if s.AddUser(User{
				UserID: fmt.Sprint("u", i), Name: "张三", Mobile: fmt.Sprintf("138%08d", i), Email: fmt.Sprintf("u%d@example.com", i),
				Departments: ids[i%departments : i%departments+1], Active: true,
			}) == "" {
				tb.Fatalf("person %d is refused", i)
			}
		}
	})
}

func TestAHundredThousandPeople(t *testing.T) {
	const people = 100_000
	b := start(t)
	fill(t, b.Server, people, 10)
	departments := b.old(deptSub, object{})["result"].([]any)
	seen := map[string]bool{}
	for cursor := any(0); cursor != nil; {
		out := b.ok("/topapi/user/listsimple", object{"dept_id": departments[3].(object)["dept_id"], "cursor": cursor, "size": 100})
		for _, u := range out["list"].([]any) {
			seen[u.(object)["userid"].(string)] = true
		}
		cursor = out["next_cursor"]
	}
	if len(seen) != people/10 {
		t.Errorf("%d people are listed", len(seen))
	}
	if got := b.ok(deptGet, object{"dept_id": 1}); asText(got["member_count"]) != fmt.Sprint(people) {
		t.Errorf("people in the corp: %v", got["member_count"])
	}
	if got := b.ok("/topapi/v2/user/getbymobile", object{"mobile": "13800077777"}); got["userid"] != "u77777" {
		t.Errorf("by mobile: %v", got)
	}
}

func BenchmarkAddUser(b *testing.B) {
	s := New()
	defer s.Close()
	b.ResetTimer()
	fill(b, s, b.N, 100)
}

func BenchmarkCreateUser(b *testing.B) {
	s := New()
	defer s.Close()
	ep := endpoints[4]
	if ep.path != userCreate {
		b.Fatalf("endpoint is %s", ep.path)
	}
	for i := range b.N {
		s.mu.Lock()
		_, no := ep.run(s, &call{now: s.now(), params: params{
			"userid": fmt.Sprint("u", i), "name": "张三", "mobile": fmt.Sprintf("138%08d", i), "dept_id_list": "1", "title": "t",
		}})
		s.mu.Unlock()
		if no != nil {
			b.Fatal(no)
		}
	}
}

func BenchmarkListUsers(b *testing.B) {
	s := New()
	defer s.Close()
	fill(b, s, 10_000, 1)
	b.ResetTimer()
	for i := range b.N {
		s.mu.Lock()
		_, no := s.listUsers(&call{now: s.now(), horizon: s.now(), params: params{
			"dept_id": fmt.Sprint(s.dir.lastUnit), "cursor": fmt.Sprint(i % 99 * 100), "size": "100",
		}})
		s.mu.Unlock()
		if no != nil {
			b.Fatal(no)
		}
	}
}

func BenchmarkCreateOverHTTP(b *testing.B) {
	s := New()
	defer s.Close()
	base, err := s.Start("")
	if err != nil {
		b.Fatal(err)
	}
	token, _ := s.issueToken(&call{now: s.now()})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	var seq atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := seq.Add(1)
			body := fmt.Sprintf(`{"userid":"u%d","name":"张三","mobile":"138%08d","dept_id_list":"1"}`, i, i)
			resp, err := client.Post(base+userCreate+"?access_token="+token, "application/json", strings.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	})
	if n := len(s.Users()); n != b.N {
		b.Errorf("%d people after %d calls", n, b.N)
	}
}
