//go:build unix

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"dingbridge/bridge"
)

// Lock takes an flock on the store's path + ".lock". The kernel releases it when the process ends, however it ends. It
// does not wait: bridge.ErrLocked, with the number of the process that holds it, when another one is active.
func (s *SQLite) Lock(ctx context.Context) (bridge.Lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	unlock, err := lockFile(s.path + ".lock")
	if err != nil {
		return nil, err
	}
	return fileLease{unlock}, nil
}

// fileLease is the lock of a file: nobody can take it away from a process that lives.
type fileLease struct{ unlock func() }

// Check implements bridge.Lease.
func (fileLease) Check(context.Context) error { return nil }

// Lost implements bridge.Lease.
func (fileLease) Lost() <-chan struct{} { return nil }

// Now implements bridge.Lease.
func (fileLease) Now(local func() time.Time) time.Time { return local() }

// Unlock implements bridge.Lease.
func (l fileLease) Unlock() { l.unlock() }

// Replicas tries the lock: whoever holds it is active. Nobody stands by at a file.
func (s *SQLite) Replicas(ctx context.Context) ([]bridge.Replica, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	unlock, err := lockFile(s.path + ".lock")
	if errors.Is(err, bridge.ErrLocked) {
		name, _ := os.ReadFile(s.path + ".lock") // only for the message
		return []bridge.Replica{{Name: "process " + strings.TrimSpace(string(name)), Active: true}}, nil
	}
	if err == nil {
		unlock()
	}
	return nil, err
}

func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the store: %w", err)
	}
	if err := flock(f); err != nil {
		pid := make([]byte, 16)
		n, _ := f.ReadAt(pid, 0) // only for the message
		err = errors.Join(err, f.Close())
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock the store: %w", err)
		}
		if holder := strings.TrimSpace(string(pid[:n])); holder != "" {
			return nil, fmt.Errorf("%w (process %s)", bridge.ErrLocked, holder)
		}
		return nil, bridge.ErrLocked
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0) // only for the message: a full disk must not forbid starting
	}
	var once sync.Once
	return func() { once.Do(func() { _ = f.Close() }) }, nil
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// waitLock tries lockFile until it succeeds or the time is over.
func waitLock(ctx context.Context, path string, patience time.Duration) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		unlock, err := lockFile(path)
		if !errors.Is(err, bridge.ErrLocked) {
			return unlock, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, err
		}
	}
}
