package e2e

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startWith starts the program with arguments of its own and waits until it
// says that it listens.
func (s *server) startWith(args ...string) {
	s.t.Helper()
	s.log = new(output)
	s.cmd = exec.Command(binary, append([]string{"serve"}, args...)...)
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.dir, s.env, s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan error) { done <- cmd.Wait() }(s.cmd, s.done)
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(s.log.String(), " listens on "); time.Sleep(20 * time.Millisecond) {
		if len(s.done) > 0 || time.Now().After(deadline) {
			s.t.Fatalf("the server did not start:\n%s", s.log)
		}
	}
}

// freePorts gives ports that nobody used a moment ago.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", ":0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// selfSigned writes a certificate of localhost and its key.
func selfSigned(t *testing.T, dir string) (certificate, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(leaf)
	return certificate, key, pool
}

func TestHTTPS(t *testing.T) {
	certificate, key, pool := selfSigned(t, t.TempDir())
	ports := freePorts(t, 2)
	s := prepare(t, sqlite, "HTTPS=true", "HTTPS_FORCE=true", "HTTPS_CERTIFICATE_PATH="+certificate, "HTTPS_KEY_PATH="+key,
		fmt.Sprint("PORT_HTTP=", ports[0]), fmt.Sprint("PORT_HTTPS=", ports[1]))
	s.startWith()
	secure := fmt.Sprintf("https://localhost:%d", ports[1])
	if !strings.Contains(s.log.String(), "listens on "+secure+"\n") {
		t.Errorf("the greeting names another address:\n%s", s.log)
	}
	c := s.admin()
	c.base = secure
	c.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	me := c.call(t, 200, "GET", "/api/v1/profile/me", nil)
	if cookie := me.header.Get("Set-Cookie"); !strings.Contains(cookie, "Secure") {
		t.Errorf("cookie %q", cookie)
	}
	plain := s.admin()
	plain.base = fmt.Sprintf("http://localhost:%d", ports[0])
	a := plain.call(t, 308, "POST", "/api/v1/sections?x=1", object{"name": "S"})
	if to := a.header.Get("Location"); to != secure+"/api/v1/sections?x=1" {
		t.Errorf("redirected to %q", to)
	}
	t.Run("a renewed certificate needs no restart", func(t *testing.T) {
		_, _, renewed := selfSigned(t, filepath.Dir(certificate))
		c.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: renewed}}
		c.call(t, 200, "GET", "/api/v1/profile/me", nil)
	})
	s.stop()
	t.Run("a broken certificate stops the start", func(t *testing.T) {
		if err := os.WriteFile(key, []byte("nonsense"), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := s.try("serve"); err == nil || !strings.Contains(out, "certificate") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// TestDrain: a request that has begun is answered after SIGTERM, and the
// program ends with status 0 within ten seconds.
func TestDrain(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := serve(t, db)
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		body := `{"name":"Drained"}`
		auth := base64.StdEncoding.EncodeToString([]byte(adminLogin + ":" + adminPassword))
		fmt.Fprintf(conn, "POST /api/v1/sections HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			s.addr, auth, len(body), body[:5])
		time.Sleep(500 * time.Millisecond) // it reads the body by now
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		time.Sleep(time.Second)
		if _, err := net.DialTimeout("tcp", s.addr, time.Second); err == nil {
			t.Error("new connections are taken")
		}
		if _, err := io.WriteString(conn, body[5:]); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != 200 {
			t.Errorf("status %d", res.StatusCode)
		}
		_ = res.Body.Close()
		err = <-s.done
		s.cmd = nil
		if err != nil || time.Since(begun) > 10*time.Second {
			t.Errorf("ended with %v after %v\n%s", err, time.Since(begun), s.log)
		}
	})
}

// TestDrainEnds: who never finishes a request does not hold the program.
func TestDrainEnds(t *testing.T) {
	s := serve(t, sqlite)
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /auth/login HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n\r\nhalf", s.addr)
	time.Sleep(300 * time.Millisecond)
	begun := time.Now()
	s.stop()
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestSettingSources: a prefixed name wins, a secret may be in a file, and the
// address that was asked for is the one that is told.
func TestSettingSources(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("a password from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := prepare(t, sqlite, "KARTOTEKA_ADMIN_PASSWORD_FILE="+file, "ADMIN_LOGIN=loser@example.com", "KARTOTEKA_ADMIN_LOGIN=winner@example.com",
		"BPIUM_SESSION_COOKIE_NAME=sid")
	for i, line := range s.env {
		if strings.HasPrefix(line, "KARTOTEKA_ADMIN_PASSWORD=") {
			s.env = append(s.env[:i], s.env[i+1:]...)
			break
		}
	}
	s.startWith("--listen", "127.0.0.1:0")
	_, rest, _ := strings.Cut(s.log.String(), " listens on http://")
	s.addr, _, _ = strings.Cut(rest, "\n")
	c := s.admin()
	c.login, c.password = "winner@example.com", "a password from a file"
	a := c.call(t, 200, "GET", "/api/v1/profile/me", nil)
	if cookie := a.header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "sid=") {
		t.Errorf("cookie %q", cookie)
	}
	if strings.Contains(s.log.String(), "First administrator") {
		t.Errorf("a password that was given is told:\n%s", s.log)
	}
	s.stop()
}
