package chaos

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if built != "" {
			_ = os.RemoveAll(built) // a leftover in the temporary folder does no harm
		}
		os.Exit(code)
	}))
}

// A world lives for so many rounds.
const worldRounds = 10

// TestConvergence is the harness; see the package comment. It reads CHAOS_SEED, CHAOS_ROUNDS, CHAOS_REPLICAS and CHAOS_KINDS. Without them a few rounds
// are played with one daemon and with two: enough to notice that the bridge or the harness is broken.
func TestConvergence(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	seed := uint64(setting(t, "CHAOS_SEED", 1))
	if os.Getenv("CHAOS_ROUNDS") == "" {
		t.Run("one daemon", func(t *testing.T) { play(t, seed, 3, 1) })
		t.Run("two daemons", func(t *testing.T) { play(t, seed, 2, 2) })
		return
	}
	play(t, seed, setting(t, "CHAOS_ROUNDS", 0), setting(t, "CHAOS_REPLICAS", 1))
}

// play plays the rounds, in as many worlds as they need, and prints the table.
func play(t *testing.T, seed uint64, rounds, replicas int) {
	r := newReport()
	defer func() { t.Logf("\n%s", r) }()
	for rounds > 0 && !t.Failed() {
		n := min(rounds, worldRounds)
		t.Run("seed "+strconv.FormatUint(seed, 10), func(t *testing.T) {
			w := newWorld(t, seed, replicas, r)
			w.live(n)
		})
		rounds, seed = rounds-n, seed+1
	}
}

func setting(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// live plays rounds, the first without faults: both sides meet.
func (w *world) live(rounds int) {
	defer func() {
		for _, d := range w.daemons {
			w.report.mu.Lock()
			w.report.starts += d.starts
			w.report.mu.Unlock()
		}
	}()
	if _, ok := w.converge(); !ok {
		return
	}
	w.audit()
	w.appointBosses()
	w.appointCrew()
	for w.round = 1; w.round <= rounds && !w.t.Failed(); w.round++ {
		w.playRound()
	}
	w.planned()
	w.tellLeaves()
	w.tellNews()
	w.tellChores()
	if w.t.Failed() {
		w.t.Logf("run it again with: make chaos SEED=%d ROUNDS=%d REPLICAS=%d KINDS=%s\nwhat was done in the last round:\n%s", w.seed, w.round-1, len(w.daemons), w.kindsText(), w.script())
	}
}

// playRound is one round: people edit while faults strike; then the faults stop and everything is verified.
func (w *world) playRound() {
	w.turn()
	var ends []func()
	menu := w.menu()
	steps := 12 + w.rng.IntN(20) + 8*len(w.kinds)
	at := map[int]*fault{}
	for range 1 + w.rng.IntN(3) {
		f, _ := pick(w, menu)
		at[w.rng.IntN(steps)] = &f
	}
	if w.rng.IntN(3) == 0 { // a decision about a leave is rarer than any other write
		at[w.rng.IntN(steps)] = &editedLeave
	}
	if len(w.daemons) > 1 { // the active one dies or stands still in every round
		f, _ := pick(w, takeovers)
		at[w.rng.IntN(steps)] = &f
	}
	for i := range steps {
		if f := at[i]; f != nil {
			w.tell("fault: %s", f.name)
			w.report.faulted(f.name)
			w.struck = append(w.struck, f.name)
			if end := f.begin(w); end != nil {
				ends = append(ends, end)
			}
		}
		w.someoneActs()
		w.wait(time.Duration(w.rng.IntN(60)) * time.Millisecond)
	}
	w.wait(time.Duration(w.rng.IntN(1200)) * time.Millisecond)
	w.slow.Wait()
	w.heal(ends)
	took, ok := w.converge()
	if !ok {
		return
	}
	w.report.settled(took)
	w.t.Logf("round %d: agreed after %s; %s", w.round, took.Round(10*time.Millisecond), strings.Join(w.struck, ", "))
	w.quiet()
	w.audit()
	w.settleChores()
}

// turn begins a round.
func (w *world) turn() {
	w.ledger.turn()
	w.traffic.turn()
	w.began, w.killed, w.lossy, w.struck = time.Now(), false, false, nil
	w.doneMu.Lock()
	w.done = nil
	w.doneMu.Unlock()
}

// heal ends all faults.
func (w *world) heal(ends []func()) {
	w.odoo.Heal()
	w.ding.ClearFailures()
	w.unhook()
	for _, end := range ends {
		end()
	}
	for _, d := range w.daemons {
		w.check(d.start()) // one that was killed at the very end
	}
	w.tell("the faults are over")
}
