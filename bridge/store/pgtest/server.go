// Package pgtest runs a PostgreSQL server of its own for tests: in a temporary folder, on a Unix socket, without syncing to the disk.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrMissing means that this machine has no PostgreSQL server.
var ErrMissing = errors.New("PostgreSQL is not installed (Debian: apt-get install postgresql): neither on the PATH nor in /usr/lib/postgresql")

// Role is whom tests connect as: a role that may log in and owns its databases, and nothing more.
const Role = "dingbridge"

// Server is a running PostgreSQL. It ends with Stop, or when the process that started it ends, however it ends.
type Server struct {
	dir   string
	cmd   *exec.Cmd
	alive io.Closer // the server stops when nobody holds this any more
	n     atomic.Int64
}

// New starts a server in a folder of its own below dir ("" = the system's folder for temporary files).
func New(dir string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	if dir, err = os.MkdirTemp(dir, "pg-"); err != nil {
		return nil, err
	}
	s := &Server{dir: dir}
	who, err := unprivileged(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--pgdata="+s.data())
	initdb.SysProcAttr, initdb.Dir = who, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w\n%s", err, out), os.RemoveAll(dir))
	}
	if err := s.run(bin, who); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// keeper runs the server until its own standard input ends, then stops the server at once and removes the folder: so nothing is left
// of a test process that was killed.
const keeper = `"$@" & cat >/dev/null; kill -INT $!; wait; rm -rf -- "$KEEPER_DIR"`

func (s *Server) run(bin string, who *syscall.SysProcAttr) error {
	cmd := exec.Command("/bin/sh", "-c", keeper, "sh", filepath.Join(bin, "postgres"), "-D", s.data(), "-k", s.dir,
		"-c", "listen_addresses=", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=200",
		"-c", "shared_buffers=32MB", "-c", "log_min_messages=fatal")
	cmd.Env = append(os.Environ(), "KEEPER_DIR="+s.dir)
	cmd.Dir, cmd.SysProcAttr = s.dir, who
	cmd.SysProcAttr.Setpgid = true // an interrupt from the keyboard is for the tests
	out, err := os.Create(s.log())
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if s.alive, err = cmd.StdinPipe(); err != nil {
		return err
	}
	s.cmd = cmd
	return cmd.Start()
}

func (s *Server) log() string { return filepath.Join(s.dir, "log") }

// Stop ends the server and removes its folder.
func (s *Server) Stop() error {
	err := s.alive.Close()
	_ = s.cmd.Wait() // how it ended is of no interest
	return errors.Join(err, os.RemoveAll(s.dir))
}

// prepare waits until the server answers, and makes the role.
func (s *Server) prepare(ctx context.Context) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		c, err := pgx.Connect(ctx, s.address("postgres", "postgres"))
		if err == nil {
			_, err = c.Exec(ctx, "CREATE ROLE "+Role+" LOGIN")
			return errors.Join(err, c.Close(ctx))
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			said, _ := os.ReadFile(s.log()) // what there is
			return fmt.Errorf("PostgreSQL did not start: %w\n%s", err, said)
		}
	}
}

// Database makes an empty database that belongs to Role, and returns its URL.
func (s *Server) Database() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, s.address("postgres", "postgres"))
	if err != nil {
		return "", err
	}
	name := "test" + strconv.FormatInt(s.n.Add(1), 10)
	_, err = c.Exec(ctx, "CREATE DATABASE "+name+" OWNER "+Role+" STRATEGY file_copy")
	return s.address(Role, name), errors.Join(err, c.Close(ctx))
}

// address is the URL of a database for a role.
func (s *Server) address(role, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database, RawQuery: url.Values{"host": {s.dir}}.Encode()}
	return u.String()
}

// binaries is the folder of the newest server: where Debian has them, else where the PATH finds them.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		version := func(path string) int {
			n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // another name counts as the oldest
			return n
		}
		sort.Slice(found, func(i, j int) bool { return version(found[i]) > version(found[j]) })
		return filepath.Dir(found[0]), nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", ErrMissing
	}
	return filepath.Dir(path), nil
}

// unprivileged gives the folder to a user as whom the server runs, where this process is root: PostgreSQL refuses to be root.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, os.Chown(dir, int(uid), int(gid))
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}
