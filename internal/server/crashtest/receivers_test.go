package crashtest

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// temper is how a receiver behaves until it is mended.
type temper string

const (
	healthy temper = "healthy"
	flaky   temper = "flaky"  // fails now and then, in all ways there are
	broken  temper = "broken" // fails always
	ending  temper = "ending" // ends its subscription by 410 after some messages
)

// tempers are those that seeds choose from.
var tempers = []temper{healthy, flaky, flaky, flaky, broken, ending}

// event is what a subscription is told of; n is the value that a record was given, 0
// when it was removed.
type event struct {
	catalog query.Catalog
	record  query.Record
	kind    catalog.HookEvent
	n       int
}

// lane is the events of one record.
type lane struct {
	catalog query.Catalog
	record  query.Record
}

func (e event) lane() lane { return lane{e.catalog, e.record} }

// receipt is a message as it arrived.
type receipt struct {
	id     string // webhook-id
	number int64
	event  event
	body   string
	status int // of the whole answer that was given, 0 for none
}

// taken tells that the receiver took the message.
func (r *receipt) taken() bool { return r.status >= 200 && r.status < 400 }

// sub is a subscription with its receiver.
type sub struct {
	record  query.Record
	path    string
	catalog query.Catalog
	events  []catalog.HookEvent
	retries bool
	temper  temper
	lasts   int // messages that an ending one takes
}

func (s *sub) String() string {
	return fmt.Sprintf("subscription %d (%s, retries %v, catalog %d, %v)", s.record, s.temper, s.retries, s.catalog, s.events)
}

func (s *sub) wants(e event) bool { return s.catalog == e.catalog && slices.Contains(s.events, e.kind) }

// receivers are all receivers of a world. What one answers to an attempt depends on
// the seed and the message only, not on how attempts meet.
type receivers struct {
	t    *testing.T
	seed uint64
	nums map[string]query.Catalog // by public id

	mu       sync.Mutex
	mended   bool
	subs     map[string]*sub // by path
	tries    map[string]int  // by path and webhook-id
	receipts map[*sub][]receipt
	ended    map[*sub]bool // by 410
	silent   bool          // once in a world, for that takes a second
	hang     bool          // the first one is silent
}

func newReceivers(t *testing.T, seed uint64) *receivers {
	return &receivers{t: t, seed: seed, nums: map[string]query.Catalog{}, subs: map[string]*sub{}, tries: map[string]int{},
		receipts: map[*sub][]receipt{}, ended: map[*sub]bool{}}
}

// mend has all receivers succeed from now on, but those that ended.
func (r *receivers) mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mended = true
}

func (r *receivers) receive(path string, h http.Header, body []byte) Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.subs[path]
	got, err := r.read(h, body)
	if s == nil || err != nil {
		r.t.Errorf("a message to %s: %s (%v)", path, body, err)
		return Answer{Status: http.StatusInternalServerError}
	}
	key := path + " " + got.id
	r.tries[key]++
	a := r.answer(s, key, r.tries[key])
	if !a.Cut && !a.Half && !a.Silent {
		got.status = a.Status
	}
	r.receipts[s] = append(r.receipts[s], got)
	return a
}

// read reads a message.
func (r *receivers) read(h http.Header, body []byte) (got receipt, err error) {
	var m struct {
		Hook struct {
			Event      catalog.HookEvent
			SequenceID int64
		}
		Payload struct {
			CatalogID string
			RecordID  query.Record `json:",string"`
			Values    struct{ N int }
		}
	}
	err = json.Unmarshal(body, &m)
	got = receipt{
		id: strings.Join(h["Webhook-Id"], ","), number: m.Hook.SequenceID, body: string(body),
		event: event{r.nums[m.Payload.CatalogID], m.Payload.RecordID, m.Hook.Event, m.Payload.Values.N},
	}
	if err == nil && (got.id == "" || got.event.catalog == 0) {
		err = fmt.Errorf("no webhook-id or an unknown catalog")
	}
	return got, err
}

// sure is how many attempts of a message may fail.
const sure = 5

func (r *receivers) answer(s *sub, key string, try int) Answer {
	hash := fnv.New64a()
	fmt.Fprint(hash, key, try)
	rng := rand.New(rand.NewPCG(r.seed, hash.Sum64()))
	fine := Answer{Status: []int{200, 204, 302}[rng.IntN(3)]}
	switch {
	case s.temper == ending:
		if r.ended[s] = r.ended[s] || len(r.receipts[s]) >= s.lasts; r.ended[s] {
			return Answer{Status: http.StatusGone}
		}
		return fine
	case r.hang && !r.silent:
		r.silent = true
		return Answer{Silent: true}
	case r.mended, s.temper == healthy, s.temper == flaky && try > sure:
		return fine
	case s.temper == broken:
		return Answer{Status: http.StatusInternalServerError}
	}
	switch n := rng.IntN(100); {
	case n < 55:
		return fine
	case n < 70:
		return Answer{Status: http.StatusInternalServerError}
	case n < 78:
		return Answer{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"3600"}}}
	case n < 84:
		return Answer{Status: http.StatusNotFound}
	case n < 93:
		return Answer{Cut: true}
	case n < 97 || r.silent || r.seed%8 != 0:
		return Answer{Status: http.StatusOK, Half: true}
	}
	r.silent = true
	return Answer{Silent: true}
}

// of gives what arrived at a subscription's receiver.
func (r *receivers) of(s *sub) []receipt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.receipts[s])
}
