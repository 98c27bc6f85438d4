package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/bridge/store/pgtest"
	"dingbridge/mapping"
)

// child is what this test binary does when a test starts it as another process: it returns the exit code.
func child() int {
	s, err := Open(os.Getenv("DINGBRIDGE_STORE_PATH"))
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	switch os.Getenv("DINGBRIDGE_STORE_CHILD") {
	case "write until killed":
		err = writeForEver(s)
	case "act beside a daemon":
		err = actBeside(s)
	case "open":
	}
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	if err := s.Close(); err != nil {
		fmt.Println("error", err)
		return 1
	}
	return 0
}

// writeForEver takes the lock, then writes with four goroutines and prints what was acknowledged.
func writeForEver(s bridge.Store) error {
	lease, err := lockSoon(s)
	if err != nil {
		return err
	}
	ctx := bridge.WithLease(context.Background(), lease)
	var output sync.Mutex
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				err := s.Update(ctx, func(t bridge.Tx) error {
					if err := t.SetMeta("a/"+name, "1"); err != nil {
						return err
					}
					if err := t.Touch(time.Time{}, bridge.RecordKey("m", mapping.Odoo, bridge.ID(name))); err != nil {
						return err
					}
					return t.SetMeta("b/"+name, "1")
				})
				if err != nil {
					return
				}
				output.Lock()
				fmt.Println(name)
				output.Unlock()
			}
		})
	}
	wg.Wait()
	return fmt.Errorf("writing ended by itself")
}

// lockSoon takes the lock as soon as a process that was killed has left it.
func lockSoon(s bridge.Store) (bridge.Lease, error) {
	deadline := time.Now().Add(time.Minute)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		lease, err := s.Lock(context.Background())
		if !errors.Is(err, bridge.ErrLocked) || time.Now().After(deadline) {
			return lease, err
		}
		<-again.C
	}
}

// actBeside does what the commands do while a daemon runs.
func actBeside(s bridge.Store) error {
	if _, err := s.Lock(context.Background()); err == nil {
		return fmt.Errorf("the lock was free")
	}
	err := s.View(context.Background(), func(t bridge.Tx) error {
		v, err := t.Meta("daemon")
		if err == nil && v != "runs" {
			err = fmt.Errorf("the daemon's value is %q", v)
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.Update(context.Background(), func(t bridge.Tx) error {
		if err := t.PutLink(&bridge.Link{Mapping: "m", Odoo: "7", Ding: "u7", State: bridge.Linked}); err != nil {
			return err
		}
		if _, err := t.Release(1); err != nil {
			return err
		}
		return t.Touch(time.Time{}, bridge.RecordKey("m", mapping.Odoo, "42"))
	})
}

func command(t *testing.T, what, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), "DINGBRIDGE_STORE_CHILD="+what, "DINGBRIDGE_STORE_PATH="+path)
	c.Stderr = os.Stderr
	return c
}

// both runs the test on a store of each kind.
func both(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "state.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, pgtest.Start(t)) })
}

func openEither(t *testing.T, address string) bridge.Store {
	t.Helper()
	if IsPostgres(address) {
		return openPostgres(t, address)
	}
	return openAt(t, address)
}

// TestKill kills a writing process several times: whatever it said was committed is there, whole, and the lock is free.
func TestKill(t *testing.T) { both(t, testKill) }

func testKill(t *testing.T, path string) {
	var acknowledged []string
	for round := range 5 {
		c := command(t, "write until killed", path)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if strings.HasPrefix(lines.Text(), "error") {
				t.Fatal(lines.Text())
			}
			acknowledged = append(acknowledged, lines.Text())
			if n == 40+round*37 {
				if err := c.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = c.Wait() // it was killed
	}
	if len(acknowledged) < 200 {
		t.Fatalf("only %d updates were acknowledged", len(acknowledged))
	}
	s := openEither(t, path)
	lease, err := lockSoon(s)
	if err != nil {
		t.Fatal(err)
	}
	lease.Unlock()
	if file, ok := s.(*SQLite); ok {
		var verdict string
		if err := file.readDB.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
			t.Fatalf("integrity: %s, %v", verdict, err)
		}
	}
	err = s.View(context.Background(), func(tx bridge.Tx) error {
		first, err := tx.MetaPrefix("a/")
		if err != nil {
			return err
		}
		second, err := tx.MetaPrefix("b/")
		if err != nil {
			return err
		}
		dirty, _, err := tx.CountWork(noon)
		if err != nil {
			return err
		}
		if len(first) != len(second) || len(first) != dirty["m"] {
			t.Errorf("a transaction is not whole: %d, %d and %d rows", len(first), len(second), dirty["m"])
		}
		for _, name := range acknowledged {
			if first["a/"+name] == "" || second["b/"+name] == "" {
				t.Errorf("%s was acknowledged and is lost", name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBeside lets another process act while this one holds the lock and keeps writing.
func TestBeside(t *testing.T) { both(t, testBeside) }

func testBeside(t *testing.T, path string) {
	s := openEither(t, path)
	lease, err := s.Lock(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Unlock()
	waiting := bridge.LinkKey("m", 1)
	err = s.Update(context.Background(), func(tx bridge.Tx) error {
		if _, err := tx.GuardWait(bridge.GuardItem{Mapping: "m", Key: waiting, Risk: bridge.RiskCreate, Hash: "h"}); err != nil {
			return err
		}
		return tx.SetMeta("daemon", "runs")
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // the daemon's own traffic
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.Update(context.Background(), func(tx bridge.Tx) error { return tx.SetMeta("n", fmt.Sprint(i)) }); err != nil {
				t.Error(err)
				return
			}
		}
	})
	out, err := command(t, "act beside a daemon", path).Output()
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	err = s.Update(context.Background(), func(tx bridge.Tx) error {
		due, err := tx.Due("m", noon, 10)
		if err != nil {
			return err
		}
		if got := keys(due); got != "m#1 m/odoo/42" {
			t.Errorf("due is %s", got)
		}
		released, err := tx.TakeRelease(waiting, bridge.RiskCreate, "h")
		if err != nil || !released {
			t.Errorf("released: %v, %v", released, err)
		}
		on, err := tx.LinksOn("m", mapping.DingTalk, []bridge.ID{"u7"})
		if err != nil || on["u7"] == nil {
			t.Errorf("the link: %v, %v", on, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFirstStart starts several processes on a file that does not exist yet: one makes the schema, all succeed.
func TestFirstStart(t *testing.T) { both(t, testFirstStart) }

func testFirstStart(t *testing.T, path string) {
	var wg sync.WaitGroup
	for range 4 {
		c := command(t, "open", path)
		wg.Go(func() {
			if out, err := c.Output(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
}
