package e2e

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// hookEnv lets webhooks call this machine, and not for long: a claim of a dead
// process on PostgreSQL ends after twice that and a minute.
var hookEnv = []string{"KARTOTEKA_HOOKS_DENY_PRIVATE=false", "KARTOTEKA_WEBHOOK_TIMEOUT=1000"}

// arrival is an event of a record as it came, by the amount that it set.
type arrival struct {
	amount int
	taken  bool
}

// receiver takes the messages of several subscriptions. It fails on schedule: some
// messages at their first attempt, by a status, by a cut before the answer or after.
type receiver struct {
	*httptest.Server
	field string // of the amount

	mu    sync.Mutex
	tries map[string]int
	came  map[string][]arrival // by path and record
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{tries: map[string]int{}, came: map[string][]arrival{}}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var m struct {
		Payload struct {
			RecordID string
			Values   map[string]any
		}
	}
	if err != nil || json.Unmarshal(body, &m) != nil {
		return // the sender was killed
	}
	r.mu.Lock()
	message := req.URL.Path + " " + strings.Join(req.Header["Webhook-Id"], ",")
	r.tries[message]++
	hash := fnv.New32()
	_, _ = io.WriteString(hash, message)
	fails := r.tries[message] == 1 && hash.Sum32()%4 == 0
	lane := req.URL.Path + " " + m.Payload.RecordID
	amount, _ := m.Payload.Values[r.field].(float64)
	r.came[lane] = append(r.came[lane], arrival{int(amount), !fails})
	r.mu.Unlock()
	switch {
	case !fails:
	case hash.Sum32()%3 == 0:
		w.WriteHeader(http.StatusServiceUnavailable)
	case hash.Sum32()%3 == 1:
		panic(http.ErrAbortHandler)
	default:
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusOK)
		panic(http.ErrAbortHandler)
	}
}

// written is a record's amounts: those from 1 to acknowledged were answered, more up
// to tried may be stored.
type written struct {
	id                  string
	acknowledged, tried int
}

// arrived counts the messages by path.
func (r *receiver) arrived() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := map[string]int{}
	for lane, list := range r.came {
		path, _, _ := strings.Cut(lane, " ")
		n[path] += len(list)
	}
	return n
}

// missing tells what of the written records has not arrived at a path.
func (r *receiver) missing(path string, all []*written) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range all {
		taken := map[int]bool{}
		for _, a := range r.came[path+" "+k.id] {
			taken[a.amount] = taken[a.amount] || a.taken
		}
		for amount := 1; amount <= k.acknowledged; amount++ {
			if !taken[amount] {
				n++
			}
		}
	}
	return n
}

// verify waits until everything has arrived, and looks at the order.
func (r *receiver) verify(t *testing.T, paths []string, all []*written, patience time.Duration) {
	t.Helper()
	for _, path := range paths {
		deadline := time.Now().Add(patience)
		for r.missing(path, all) > 0 {
			if time.Now().After(deadline) {
				t.Errorf("%s: %d events are missing", path, r.missing(path, all))
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	messages := 0
	for _, path := range paths {
		for _, k := range all {
			came, taken := 0, 0
			for _, a := range r.came[path+" "+k.id] {
				messages++
				switch {
				case a.amount > k.tried || a.amount < 1:
					t.Errorf("%s: record %s: amount %d was never written", path, k.id, a.amount)
				case a.amount > came+1, a.amount == came+1 && taken < came:
					t.Errorf("%s: record %s: amount %d came after %d, of which %d were taken", path, k.id, a.amount, came, taken)
				}
				came = max(came, a.amount)
				if a.taken {
					taken = max(taken, a.amount)
				}
			}
		}
	}
	t.Logf("%d records, %d messages", len(all), messages)
}

// subscribe makes subscriptions to all after-events of a catalog and gives their paths.
func (r *receiver) subscribe(t *testing.T, c *caller, k catalog, n int) (paths []string) {
	t.Helper()
	r.field = k.fields["Amount"]
	for i := range n {
		path := fmt.Sprint("/", i)
		c.call(t, 200, "POST", "/api/v1/catalogs/$webhooks/records", object{"values": object{
			"$catalog": []object{{"catalogId": "$catalogs", "recordId": k.id}}, "$url": r.URL + path,
			"$events": []string{"record.created", "record.updated"}, "$retry": []string{"$standard"}, "$signing": "secret",
		}})
		paths = append(paths, path)
	}
	return paths
}

// amounts writes records until the call fails or stop is closed, and counts what was
// acknowledged. Each record is created with 1 and then counted up.
func amounts(c *caller, k catalog, stop <-chan struct{}, rest time.Duration, acknowledged *atomic.Int64) (all []*written) {
	c.cookie = session(c)
	for n := 0; ; n++ {
		w := &written{}
		for amount := 1; amount <= 1+n%5; amount++ {
			select {
			case <-stop:
				return all
			case <-time.After(rest):
			}
			method, path := "POST", k.records("")
			if w.id != "" {
				method, path = "PATCH", k.records("/%s", w.id)
			}
			w.tried = amount
			a, err := c.send(method, path, object{"values": object{k.fields["Amount"]: amount}})
			if err != nil || a.status != 200 {
				return all
			}
			if amount == 1 {
				var made record
				if json.Unmarshal(a.body, &made) != nil {
					return all
				}
				w.id = made.ID
				all = append(all, w)
			}
			w.acknowledged = amount
			acknowledged.Add(1)
		}
	}
}

// TestKillWebhooks pulls the plug under writers and deliveries: every acknowledged
// write's event arrives, in the order of its record.
func TestKillWebhooks(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		r := newReceiver(t)
		s := prepare(t, db, hookEnv...)
		s.start()
		c := s.admin()
		k := c.newCatalog(t, "Orders", object{"name": "Amount", "type": "number"})
		paths := r.subscribe(t, c, k, 3)
		var all []*written
		for range kills {
			var group sync.WaitGroup
			var acknowledged atomic.Int64
			lists := make([][]*written, 4)
			for w := range lists {
				group.Go(func() { lists[w] = amounts(s.admin(), k, nil, 2*time.Millisecond, &acknowledged) })
			}
			waitFor(t, "writes are acknowledged", time.Minute, func() bool { return acknowledged.Load() > 4 })
			time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
			s.kill()
			group.Wait()
			for _, list := range lists {
				all = append(all, list...)
			}
			if db == postgres { // the time that the claims of the dead last
				s.damage(db, "UPDATE cursors SET lease = 0")
				s.damage(db, "UPDATE targets SET lease = 0")
				s.damage(db, "UPDATE lanes SET claimed = FALSE, due = 0 WHERE claimed")
			}
			s.start()
		}
		r.verify(t, paths, all, 2*time.Minute)
		s.stop()
		s.run("check")
	})
}

// TestNodesTakeWebhooksOver: of two processes on one PostgreSQL the one that delivers
// stands still for longer than its leases last, and goes on; then the other one, which
// took over, is killed.
func TestNodesTakeWebhooksOver(t *testing.T) {
	shared := append([]string{"KARTOTEKA_DB_CONNECTION_STRING=" + newPostgres(t), "KARTOTEKA_COOKIE_SECRET=one secret for all nodes"}, hookEnv...)
	nodes := []*server{serve(t, sqlite, shared...), serve(t, sqlite, shared...)}
	r := newReceiver(t)
	c := nodes[0].admin()
	k := c.newCatalog(t, "Orders", object{"name": "Amount", "type": "number"})
	paths := r.subscribe(t, c, k, 6)
	stop := make(chan struct{})
	var group sync.WaitGroup
	var acknowledged atomic.Int64
	lists := make([][]*written, len(nodes))
	for i, node := range nodes {
		group.Go(func() { lists[i] = amounts(node.admin(), k, stop, 200*time.Millisecond, &acknowledged) })
	}
	delivered := func(s *server) int { return strings.Count(s.log.String(), "webhook.delivered") }
	waitFor(t, "both deliver", time.Minute, func() bool { return delivered(nodes[0]) > 50 && delivered(nodes[1]) > 50 })
	first, second := nodes[0], nodes[1]
	still := first.cmd.Process
	if err := still.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = still.Signal(syscall.SIGCONT) }) // so that it can be ended
	came := r.arrived()
	waitFor(t, "the other one takes over", 2*time.Minute, func() bool {
		now := r.arrived()
		return !slices.ContainsFunc(paths, func(path string) bool { return now[path] < came[path]+20 })
	})
	if err := still.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	before := delivered(first)
	second.kill()
	close(stop)
	group.Wait()
	var all []*written
	for _, list := range lists {
		all = append(all, list...)
	}
	r.verify(t, paths, all, 2*time.Minute)
	t.Logf("delivered: %d by the one that stood still, %d of them at last, %d by the other", delivered(first), delivered(first)-before, delivered(second))
	if delivered(first) == before {
		t.Error("the one that stood still delivered nothing afterwards")
	}
	first.stop()
}

func waitFor(t *testing.T, what string, patience time.Duration, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}
