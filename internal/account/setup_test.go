package account_test

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/store"
	"kartoteka/internal/store/testdb"
)

const (
	login    = "Anna@Example.com"
	password = "пароль:з:двокрапками"
)

var (
	home   = netip.MustParseAddr("192.0.2.1")
	abroad = netip.MustParseAddr("198.51.100.7")
)

// clock is a time that tests move.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()) }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// world is a server's accounts on a real database, with one account.
type world struct {
	*account.Service
	store *store.Control
	clock *clock
	id    account.ID
}

func options(c *clock) account.Options {
	return account.Options{
		Secret:     []byte("a secret of the test"),
		SessionTTL: time.Hour,
		BasicTTL:   time.Minute,
		LoginLimit: account.LoginLimit{Enabled: true, Speed: 200 * time.Millisecond, MaxInterval: 5 * time.Minute},
		Now:        c.now,
		Logger:     slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// newWorld makes a world; change may be nil.
func newWorld(t testing.TB, target testdb.Target, change func(*account.Options)) *world {
	t.Helper()
	w := &world{store: openControl(t, target), clock: &clock{}}
	w.clock.ms.Store(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC).UnixMilli())
	opt := options(w.clock)
	if change != nil {
		change(&opt)
	}
	w.Service = account.New(w.store, opt)
	w.id = w.create(t, login, password)
	return w
}

func openControl(t testing.TB, target testdb.Target) *store.Control {
	t.Helper()
	var c *store.Control
	var err error
	if target.Dir != "" {
		c, err = store.OpenControlSQLite(t.Context(), filepath.Join(target.Dir, "control.db"))
	} else {
		c, err = store.OpenControlPostgres(t.Context(), target.DSN, 4)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (w *world) create(t testing.TB, login, password string) account.ID {
	t.Helper()
	id, err := w.CreateAccount(t.Context(), account.NewAccount{
		Login: login, Name: "Anna", Password: password, Links: []account.Link{{Company: 1, Employee: int64(len(login))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// restart gives a second service on the same database: a restart, or a node.
func (w *world) restart(change func(*account.Options)) *world {
	opt := options(w.clock)
	if change != nil {
		change(&opt)
	}
	return &world{Service: account.New(w.store, opt), store: w.store, clock: w.clock, id: w.id}
}

func credentials(login, password string, ip netip.Addr) account.Credentials {
	return account.Credentials{Login: login, Password: password, IP: ip, Way: account.WayForm}
}

// signIn opens a session with the right password.
func (w *world) signIn(t testing.TB) *account.Principal {
	t.Helper()
	p, err := w.SignIn(t.Context(), credentials(login, password, home))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *world) basic(t testing.TB, password string, ip netip.Addr) (*account.Principal, error) {
	t.Helper()
	return w.Basic(t.Context(), account.Credentials{Login: login, Password: password, IP: ip, Way: account.WayBasic})
}

// attempt gives the code of a login.
func (w *world) attempt(ctx context.Context, login, password string, ip netip.Addr) fault.Code {
	_, err := w.Verify(ctx, credentials(login, password, ip))
	return fault.CodeOf(err)
}

func wantCode(t testing.TB, what string, err error, want fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Errorf("%s: got %q (%v), want %q", what, got, err, want)
	}
}

// setEmployee is SetEmployee for tests that do not ask how the login stands.
func setEmployee(ctx context.Context, w *world, e account.Employee) error {
	_, err := w.SetEmployee(ctx, e)
	return err
}
