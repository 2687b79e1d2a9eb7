package e2e

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The administrator of every server: neither ASCII nor free of colons.
const (
	adminLogin    = "директор@example.com"
	adminPassword = "пароль:with:colons-ü-密码"
)

// server is a running program with its data.
type server struct {
	t    *testing.T
	dir  string // data and working folder
	env  []string
	addr string // host:port
	cmd  *exec.Cmd
	done chan error // the end of the process
	log  *output
}

// output collects what a process prints; both sides use it at once.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// prepare makes a server's folder and database without starting it. env adds
// settings, as NAME=value.
func prepare(t *testing.T, db database, env ...string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir()}
	s.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir,
		"KARTOTEKA_DATA_DIR=" + s.dir,
		"KARTOTEKA_ADMIN_LOGIN=" + adminLogin, "KARTOTEKA_ADMIN_PASSWORD=" + adminPassword,
		"KARTOTEKA_LIMIT_USER_MAX_REQUESTS=0", "KARTOTEKA_LIMIT_IP_MAX_REQUESTS=0", "KARTOTEKA_REPORT_CACHE_AFTER=0",
	}
	if db == postgres {
		s.env = append(s.env, "KARTOTEKA_DB_CONNECTION_STRING="+newPostgres(t))
	}
	s.env = append(s.env, env...)
	t.Cleanup(s.end)
	return s
}

// serve starts a server on a database of its own and waits until it answers.
func serve(t *testing.T, db database, env ...string) *server {
	t.Helper()
	s := prepare(t, db, env...)
	s.start()
	return s
}

// start starts the program, on another port when somebody took ours meanwhile.
func (s *server) start() {
	s.t.Helper()
	for range 5 {
		s.launch()
		if s.ready() {
			return
		}
		if !strings.Contains(s.log.String(), "address already in use") {
			break
		}
	}
	s.t.Fatalf("the server did not start:\n%s", s.log)
}

func (s *server) launch() {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = l.Addr().String()
	l.Close()

	s.log = new(output)
	s.cmd = exec.Command(binary, "serve", "--data", s.dir, "--listen", s.addr)
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.dir, s.env, s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan error) { done <- cmd.Wait() }(s.cmd, s.done)
}

// ready waits for /healthz; false when the process ends or half a minute passes.
func (s *server) ready() bool {
	client := http.Client{Timeout: 5 * time.Second}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		select {
		case err := <-s.done:
			s.cmd = nil
			s.t.Logf("the server ended: %v", err)
			return false
		case <-time.After(20 * time.Millisecond):
		}
		res, err := client.Get("http://" + s.addr + "/healthz")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return true
			}
		}
	}
	return false
}

// stop asks the server to end and expects that it does so cleanly.
func (s *server) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case err := <-s.done:
		s.cmd = nil
		if err != nil {
			s.t.Errorf("the server ended with %v:\n%s", err, s.log)
		}
	case <-time.After(30 * time.Second):
		s.t.Fatalf("the server did not end:\n%s", s.log)
	}
}

// kill ends the server as a power failure would.
func (s *server) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	<-s.done
	s.cmd = nil
}

// end is the cleanup: no process outlives its test.
func (s *server) end() {
	if s.cmd != nil {
		s.kill()
	}
	if s.t.Failed() && s.log != nil {
		s.t.Logf("the server's last lines:\n%s", tail(s.log.String(), 40))
	}
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// run runs another command of the program on this server's data and gives what
// it printed; a failure ends the test.
func (s *server) run(args ...string) string {
	s.t.Helper()
	out, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("kartoteka %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// try is run for commands that may fail.
func (s *server) try(args ...string) (string, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}
