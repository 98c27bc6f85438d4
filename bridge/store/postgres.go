package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"dingbridge/bridge"
)

// Postgres is a bridge.Store in a schema of a PostgreSQL database, which several machines may share: one of them is active, the others
// stand by and keep events. Use OpenPostgres.
//
// An Update takes the schema's write lock, so that the writers of all processes come one after the other, as they do in SQLite.
// Everything it costs then is a handful of round trips; concurrent Updates of a process share them.
type Postgres struct {
	database
	config   *pgx.ConnConfig
	patience time.Duration
	standby  StandBy
	instance string // the application_name of this store's connections, one of a kind
	name     string // of the process, for people
	fresh    time.Time

	mu        sync.Mutex
	candidate *pgConn // asks for the lease; kept between two tries
	lease     *pgLease

	closing sync.Once
	closed  error
}

var _ bridge.Store = (*Postgres)(nil)

// StandBy are the times of active and standing-by processes. Zero values get the defaults.
type StandBy struct {
	Beat  time.Duration // 1s: how often the active one, and who stands by, says that it lives
	Stale time.Duration // 5s: after so long without a beat of the active one another takes over
}

func (s StandBy) withDefaults() StandBy {
	if s.Beat <= 0 {
		s.Beat = time.Second
	}
	if s.Stale <= 0 {
		s.Stale = 5 * s.Beat
	}
	return s
}

// WithStandBy sets the times of active and standing-by processes; only PostgreSQL has them.
func WithStandBy(s StandBy) Option { return func(o *options) { o.standby = s } }

// IsPostgres says whether a store's address names a PostgreSQL database rather than a file.
func IsPostgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// Open opens the store at the address: a PostgreSQL URL or the path of an SQLite file.
func Open(address string, opts ...Option) (bridge.Store, error) {
	if IsPostgres(address) {
		return OpenPostgres(address, opts...)
	}
	return OpenSQLite(address, opts...)
}

// OpenPostgres opens the store in the first schema of the URL's search_path and brings that up to date. The URL is one of pgx
// (https://pkg.go.dev/github.com/jackc/pgx/v5/pgconn#ParseConfig); what it leaves out, the usual PG… variables and ~/.pgpass say. The
// connection must be a session of one's own: no pooler that hands sessions round by transaction.
//
// It returns ErrNewer when a later version wrote the schema, and bridge.ErrLocked when the schema is old and an active dingbridge of the
// old version still uses it. No error shows the password.
func OpenPostgres(address string, opts ...Option) (_ *Postgres, err error) {
	o := options{busy: 10 * time.Second, readers: 4, clock: time.Now}
	for _, set := range opts {
		set(&o)
	}
	p := &Postgres{patience: o.busy + 5*time.Second, standby: o.standby.withDefaults(), instance: "dingbridge-" + rand.Text(), name: processName(), fresh: time.Now()}
	if p.config, err = pgConfig(address, p.instance, o.busy); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 6*o.busy+time.Minute)
	defer cancel()
	if err := migratePostgres(ctx, p.config, o.busy); err != nil {
		return nil, fmt.Errorf("open the store on %s: %w", p.config.Host, pgError(err))
	}
	writes := p.conn("BEGIN", "SELECT pg_advisory_xact_lock(lock_key('write'))")
	w := newWriter(writes, o.clock)
	w.fence = func(c conn, l bridge.Lease) error {
		if held, ok := l.(*pgLease); ok {
			return c.exec("SELECT fence(?)", held.epoch)
		}
		return nil
	}
	p.start(w, newPool(o.readers, func(ctx context.Context) (conn, error) {
		c := p.conn("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
		return c, c.dial(ctx)
	}), o.clock)
	return p, nil
}

func (p *Postgres) conn(open ...string) *pgConn {
	return &pgConn{config: p.config, patience: p.patience, open: open}
}

// errAddress is all that is said of a URL that cannot be read: its text may hold a password in any place.
var errAddress = errors.New("not an address such as postgres://user:password@host:5432/database")

// CheckAddress says whether Open can read the address; it connects to nothing.
func CheckAddress(address string) error {
	if !IsPostgres(address) {
		return nil
	}
	_, err := pgConfig(address, "", 0)
	return err
}

// pgConfig reads the URL and adds what every connection of this store has.
func pgConfig(address, instance string, busy time.Duration) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errAddress
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	dialer := net.Dialer{Timeout: config.ConnectTimeout, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}}
	config.DialFunc = dialer.DialContext
	for name, value := range map[string]string{
		"application_name":                    instance,
		"lock_timeout":                        milliseconds(busy), // how long a write waits for another one
		"idle_in_transaction_session_timeout": milliseconds(3 * busy),
		"tcp_keepalives_idle":                 "10", // a machine that vanished is noticed in half a minute
		"tcp_keepalives_interval":             "5",
		"tcp_keepalives_count":                "3",
	} {
		config.RuntimeParams[name] = value
	}
	return config, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// processName is how people know this process.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("%s, process %d", host, os.Getpid())
}

// Update implements bridge.Store; see database.Update. When the connection is lost before the answer to a commit came, the error leaves open
// whether it was committed.
func (p *Postgres) Update(ctx context.Context, fn func(bridge.Tx) error) error {
	err := p.database.Update(ctx, fn)
	if l, ok := bridge.LeaseOf(ctx).(*pgLease); ok && errors.Is(err, bridge.ErrLeaseLost) {
		l.lose()
	}
	return err
}

// Close waits for the Updates in work, gives a lease back, and closes the connections. Calls that come later return ErrClosed.
func (p *Postgres) Close() error {
	p.closing.Do(func() {
		p.mu.Lock()
		lease, candidate := p.lease, p.candidate
		p.candidate = nil
		p.mu.Unlock()
		if lease != nil {
			lease.Unlock()
		}
		p.closed = p.stop()
		if candidate != nil {
			p.closed = errors.Join(p.closed, candidate.close())
		}
	})
	return p.closed
}
