package adminapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/store/testdb"
)

// listen serves calls for a folder; stop ends the server's context and waits
// until it takes no more.
func listen(t *testing.T, dir string, handler http.Handler) (stop func()) {
	t.Helper()
	l, err := adminapi.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	server := &http.Server{Handler: handler, BaseContext: func(net.Listener) context.Context { return ctx }}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	stop = func() {
		cancel()
		shut, end := context.WithTimeout(context.Background(), 10*time.Second)
		defer end()
		if err := server.Shutdown(shut); err != nil {
			t.Error(err)
		}
		<-done
	}
	return stop
}

// dial has the server run an operation.
func dial(ctx context.Context, dir string, in io.Reader, args ...string) (string, error) {
	task, err := prepare(args...)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = adminapi.Dial(ctx, dir, args[0], task.Args, adminapi.Call{In: in, Out: &out})
	return out.String(), err
}

func TestSocket(t *testing.T) {
	tools := newTools(t, testdb.SQLite(t))
	dir := t.TempDir()
	defer listen(t, dir, adminapi.Handler(tools))()
	if info, err := os.Stat(filepath.Join(dir, adminapi.SocketName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info.Mode(), err)
	}
	const rows = 3000
	out, err := dial(t.Context(), dir, strings.NewReader(many(rows)), "import", "-", "--section", "Séction, 1", "--catalog", "A = b & \"c\"")
	if err != nil || !strings.Contains(out, "3000 records of 3000 rows") {
		t.Errorf("%v\n%s", err, out)
	}
	if n := imported(t, tools, "A = b & \"c\"").Page.Len(); n != 1000 { // a page
		t.Errorf("%d records", n)
	}
	if out, err := dial(t.Context(), dir, nil, "check"); err != nil || out != "No problems found\n" {
		t.Errorf("%v %q", err, out)
	}
	if _, err := dial(t.Context(), dir, strings.NewReader("password of bob\n"), "user", "add", "bob"); err != nil {
		t.Error(err)
	}
	if _, err := signIn(t, tools, "bob", "password of bob"); err != nil {
		t.Error(err)
	}
}

func TestSocketOutcomes(t *testing.T) {
	tools := newTools(t, testdb.SQLite(t))
	tools.Check = func(context.Context) ([]string, error) { return []string{"row 5 is gone"}, nil }
	dir := t.TempDir()
	defer listen(t, dir, adminapi.Handler(tools))()
	if out, err := dial(t.Context(), dir, nil, "check"); !errors.Is(err, adminapi.ErrDamaged) || out != "row 5 is gone\n" {
		t.Errorf("%v %q", err, out)
	}
	if _, err := dial(t.Context(), dir, nil, "undelete", "catalog", "77"); err == nil || err.Error() != "There is no such removed catalog" {
		t.Errorf("error %v", err)
	}
	call := adminapi.Call{Out: io.Discard}
	err := adminapi.Dial(t.Context(), dir, "undelete", []string{"--", "record", "7"}, call)
	if !errors.Is(err, adminapi.ErrUsage) || err.Error() != `wrong arguments: "record" is no section, catalog or field` {
		t.Errorf("error %v", err)
	}
	if err := adminapi.Dial(t.Context(), dir, "no-such", nil, call); err == nil || !strings.Contains(err.Error(), "does not know the operation no-such") {
		t.Errorf("error %v", err)
	}
}

// endless is an input that never ends.
type endless struct{ read chan struct{} }

func (e *endless) Read(p []byte) (int, error) {
	select {
	case e.read <- struct{}{}:
	default:
	}
	time.Sleep(time.Millisecond)
	return copy(p, "a,b\n"), nil
}

// TestSocketInterrupted: a call that its caller leaves ends on the server, too.
func TestSocketInterrupted(t *testing.T) {
	tools := newTools(t, testdb.SQLite(t))
	dir := t.TempDir()
	ended := make(chan struct{}, 1)
	handler := adminapi.Handler(tools)
	stop := listen(t, dir, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r)
		ended <- struct{}{}
	}))
	defer stop()
	wait := func() {
		t.Helper()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("the call goes on")
		}
	}
	t.Run("while it reads", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		in := &endless{make(chan struct{}, 1)}
		go func() { <-in.read; cancel() }()
		if _, err := dial(ctx, dir, in, "import", "-", "--section", "S", "--catalog", "Endless"); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		wait()
	})
	t.Run("while it works", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		task, err := prepare("import", "-", "--section", "S", "--catalog", "Cut")
		if err != nil {
			t.Fatal(err)
		}
		call := adminapi.Call{In: strings.NewReader(many(50_000)), Out: &cutter{cut: cancel}, Terminal: true}
		if err := adminapi.Dial(ctx, dir, "import", task.Args, call); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		wait()
		if out := must(t, tools, "", "check"); out != "No problems found\n" {
			t.Error(out)
		}
	})
}

// TestSocketServerStops: a server that stops ends its calls and says so; one
// that dies is noticed.
func TestSocketServerStops(t *testing.T) {
	tools := newTools(t, testdb.SQLite(t))
	tools.Check = func(ctx context.Context) ([]string, error) { <-ctx.Done(); return nil, ctx.Err() }
	dir := t.TempDir()
	stop := listen(t, dir, adminapi.Handler(tools))
	time.AfterFunc(100*time.Millisecond, stop)
	if _, err := dial(t.Context(), dir, nil, "check"); err == nil || err.Error() != "the server is stopping" {
		t.Errorf("error %v", err)
	}
	stop = listen(t, dir, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half of it\n")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer stop()
	if out, err := dial(t.Context(), dir, nil, "check"); err == nil || !strings.Contains(err.Error(), "broke off") || out != "half of it\n" {
		t.Errorf("%v %q", err, out)
	}
}

func TestSocketFiles(t *testing.T) {
	t.Run("nobody listens", func(t *testing.T) {
		if _, err := dial(t.Context(), t.TempDir(), nil, "check"); err == nil || !strings.Contains(err.Error(), "takes no calls") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("stale", func(t *testing.T) {
		dir := t.TempDir()
		old, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, adminapi.SocketName), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		old.SetUnlinkOnClose(false)
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := dial(t.Context(), dir, nil, "check"); err == nil || !strings.Contains(err.Error(), "takes no calls") {
			t.Errorf("error %v", err)
		}
		listen(t, dir, http.NotFoundHandler())()
		if _, err := os.Lstat(filepath.Join(dir, adminapi.SocketName)); !os.IsNotExist(err) {
			t.Errorf("a stopped server leaves its socket: %v", err)
		}
	})
	t.Run("long path", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), strings.Repeat("long", 50))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		defer listen(t, dir, adminapi.Handler(newTools(t, testdb.SQLite(t))))()
		if out, err := dial(t.Context(), dir, nil, "check"); err != nil || out == "" {
			t.Errorf("%v %q", err, out)
		}
	})
}
