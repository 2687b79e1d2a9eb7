// Command streams measures what listeners to changes cost: it starts the program on
// an empty SQLite database, opens streams of many people, and tells the memory of the
// process while they are idle, and how long an event takes to reach some of them.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	login, password = "boss@example.com", "secret of the bench"
	perPerson       = 6
)

func main() {
	binary := flag.String("binary", "../bin/kartoteka", "the program")
	idle := flag.Int("idle", 10_000, "listeners that are idle")
	active := flag.Int("active", 1_000, "listeners of them whom events reach")
	rounds := flag.Int("rounds", 20, "events")
	flag.Parse()
	if err := run(*binary, *idle, *active, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// site is a running program.
type site struct {
	addr string
	pid  int
}

func start(binary, dir string) (*site, func(), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	s := &site{addr: l.Addr().String()}
	l.Close()
	cmd := exec.Command(binary, "serve", "--data", dir, "--listen", s.addr)
	cmd.Env = append(os.Environ(), "ADMIN_LOGIN="+login, "ADMIN_PASSWORD="+password, "LOG_LEVEL=warn", "LIMIT_USER_MAX_REQUESTS=0", "LIMIT_IP_MAX_REQUESTS=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	s.pid = cmd.Process.Pid
	stop := func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() }
	for range 300 {
		if res, err := http.Get("http://" + s.addr + "/healthz"); err == nil {
			res.Body.Close()
			return s, stop, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	stop()
	return nil, nil, fmt.Errorf("the program does not answer")
}

// post sends an object as somebody and gives the id that is answered.
func (s *site) post(who, secret, path string, body any) (string, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	r, err := http.NewRequest("POST", "http://"+s.addr+"/api/v1"+path, bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	r.SetBasicAuth(who, secret)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		return "", fmt.Errorf("%s: %d %s %v", path, res.StatusCode, answer, err)
	}
	var v struct{ ID string }
	return v.ID, json.Unmarshal(answer, &v)
}

// signIn gives the cookie of a session.
func (s *site) signIn(who string) (string, error) {
	r, err := http.NewRequest("GET", "http://"+s.addr+"/api/v1/profile/me", nil)
	if err != nil {
		return "", err
	}
	r.SetBasicAuth(who, password)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	res.Body.Close()
	cookie, _, _ := strings.Cut(res.Header.Get("Set-Cookie"), ";")
	if cookie == "" {
		return "", fmt.Errorf("%s cannot sign in: %d", who, res.StatusCode)
	}
	return cookie, nil
}

// listen opens a stream with a cookie. It is plain HTTP on a connection of its own: clients of
// net/http would take more memory than the server.
func (s *site) listen(cookie, catalog string) (net.Conn, *bufio.Reader, error) {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintf(c, "GET /api/v1/stream?catalogId=%s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n\r\n", catalog, s.addr, cookie)
	r := bufio.NewReaderSize(c, 512)
	for first := true; ; first = false {
		line, err := r.ReadString('\n')
		if err != nil || first && !strings.Contains(line, " 200 ") {
			return nil, nil, fmt.Errorf("open a stream: %q %v", line, err)
		}
		if strings.HasPrefix(line, "id: ") {
			_, err = r.ReadString('\n')
			return c, r, err
		}
	}
}

// resident is the memory of the process, bytes.
func (s *site) resident() int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kilobytes, _ := strconv.Atoi(strings.Fields(rest)[0])
	return kilobytes << 10
}

// people makes employees, some at a time, and signs them in: passwords take time.
func (s *site) people(cookies []string) error {
	n := len(cookies)
	var wg sync.WaitGroup
	errs := make(chan error, n)
	turns := make(chan struct{}, 4)
	for i := range n {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			_, err := s.post(login, password, "/catalogs/$users/records", map[string]any{"values": map[string]any{
				"$name": fmt.Sprint("Person ", i), "$email": person(i), "$password": password}})
			if err == nil {
				cookies[i], err = s.signIn(person(i))
			}
			errs <- err
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func person(i int) string { return fmt.Sprintf("person%d@example.com", i) }

func run(binary string, idle, active, rounds int) error {
	dir, err := os.MkdirTemp("", "streams-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, stop, err := start(binary, dir)
	if err != nil {
		return err
	}
	defer func() { stop() }()
	section, err := s.post(login, password, "/sections", map[string]any{"name": "Streams"})
	if err != nil {
		return err
	}
	catalogs := [2]string{} // that events are of, and that nothing happens in
	for i := range catalogs {
		if catalogs[i], err = s.post(login, password, "/catalogs", map[string]any{"name": fmt.Sprint("C", i), "sectionId": section,
			"fields": []any{map[string]any{"id": "name", "name": "Name", "type": "text"}}}); err != nil {
			return err
		}
	}
	cookies := make([]string, (idle+perPerson-1)/perPerson)
	if err := s.people(cookies); err != nil {
		return err
	}
	stop()
	// What hashing passwords took is none of the listeners' memory.
	if s, stop, err = start(binary, dir); err != nil {
		return err
	}
	before := s.resident()
	var readers []*bufio.Reader
	for i := range idle {
		catalog := catalogs[0]
		if i >= active {
			catalog = catalogs[1]
		}
		_, r, err := s.listen(cookies[i/perPerson], catalog)
		if err != nil {
			return fmt.Errorf("listener %d: %w", i, err)
		}
		if i < active {
			readers = append(readers, r)
		}
	}
	time.Sleep(30 * time.Second) // a heartbeat each, and what the openings left behind
	fmt.Printf("%d idle listeners: %d MB of memory, %d MB before them\n", idle, s.resident()>>20, before>>20)
	return s.events(catalogs[0], readers, rounds)
}

// events tells how long an event takes from the request that causes it to the last
// listener.
func (s *site) events(catalog string, readers []*bufio.Reader, rounds int) error {
	heard := make(chan error, len(readers))
	for _, r := range readers {
		go func() {
			for {
				line, err := r.ReadString('\n')
				if err != nil || strings.HasPrefix(line, "event: ") {
					heard <- err
				}
				if err != nil {
					return
				}
			}
		}()
	}
	var took []time.Duration
	for i := range rounds {
		time.Sleep(300 * time.Millisecond)
		from := time.Now()
		if _, err := s.post(login, password, "/catalogs/"+catalog+"/records", map[string]any{"values": map[string]any{"name": fmt.Sprint(i)}}); err != nil {
			return err
		}
		for range readers {
			if err := <-heard; err != nil {
				return err
			}
		}
		took = append(took, time.Since(from))
	}
	slices.Sort(took)
	fmt.Printf("an event reaches %d listeners within %s in half of %d rounds, %s at most\n", len(readers),
		took[len(took)/2].Round(time.Millisecond), rounds, took[len(took)-1].Round(time.Millisecond))
	return nil
}
