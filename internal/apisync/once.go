package apisync

import (
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// errKept: another node has carried out the same request meanwhile.
var errKept = errors.New("the same request was carried out elsewhere")

// errTaken: another node has written a record with the identifier meanwhile.
var errTaken = errors.New("the identifier was taken meanwhile")

// running are the requests with a key that are being carried out here.
type running struct {
	mutex sync.Mutex
	keys  map[[32]byte]bool
}

func (s *Service) begin(key [32]byte) bool {
	s.running.mutex.Lock()
	defer s.running.mutex.Unlock()
	if s.running.keys[key] {
		return false
	}
	if s.running.keys == nil {
		s.running.keys = map[[32]byte]bool{}
	}
	s.running.keys[key] = true
	return true
}

func (s *Service) end(key [32]byte) {
	s.running.mutex.Lock()
	defer s.running.mutex.Unlock()
	delete(s.running.keys, key)
}

// keptSince is the time of the oldest answer that is given again, Unix ms.
func (s *Service) keptSince(st *State) int64 {
	return s.options.Now().Add(-time.Duration(st.Settings.IdempotencyHours) * time.Hour).UnixMilli()
}

// keptAnswer finds the answer that was given to the same request before, nil for none.
func (s *Service) keptAnswer(ctx context.Context, call *Call) (*Answer, error) {
	a, err := s.options.Store.SyncAnswer(ctx, call.Once.Key[:], s.keptSince(call.Config.State))
	if err != nil || a == nil {
		return nil, err
	}
	if !slices.Equal(a.Hash, call.Once.Hash[:]) {
		return nil, Refuse(http.StatusUnprocessableEntity, "IDEMPOTENCY_KEY_REUSED", "the key was used with another body")
	}
	return a, nil
}

// IsDuplicate tells whether an error is the one refusal that is kept: nothing was written,
// but the same request would be refused so again.
func IsDuplicate(err error) bool {
	e := AsError(err)
	return e != nil && e.Status == http.StatusConflict && e.Code == "DUPLICATE_RECORD"
}

// Keep keeps the whole answer to a call. The ids of one that wrote are kept already, with
// what it wrote; so it is no harm if this fails, and it is not waited for on the disk. A
// refusal takes no other answer's place.
func (s *Service) Keep(ctx context.Context, once *Once, a *Answer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepFor)
	defer cancel()
	a.Key, a.Hash, a.At = once.Key[:], once.Hash[:], s.options.Now().UnixMilli()
	st, err := s.Current(ctx)
	if err == nil {
		before := a.At + 1
		if a.Status >= http.StatusBadRequest {
			before = s.keptSince(st)
		}
		err = s.update(ctx, catalog.Plan{Volatile: true}, func(w Writer) error {
			_, err := w.KeepSyncAnswer(ctx, a, before)
			return err
		})
	}
	if err != nil {
		s.options.Log.WarnContext(ctx, "sync.answer", "module", "Sync", "error", err)
	}
}

// keepFor bounds the time to keep an answer when its request's is over.
const keepFor = 5 * time.Second

// dropAtOnce bounds the kept answers that are dropped in one transaction.
const dropAtOnce = 1_000

// DropAnswers drops the kept answers that are not given again.
func (s *Service) DropAnswers(ctx context.Context) error {
	st, err := s.Current(ctx)
	if err != nil {
		return err
	}
	before := s.keptSince(st)
	for n := dropAtOnce; n == dropAtOnce; {
		err := s.update(ctx, catalog.Plan{Class: catalog.Job}, func(w Writer) (err error) {
			n, err = w.DropSyncAnswers(ctx, before, dropAtOnce)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// update is the store's, under whichever structure is current.
func (s *Service) update(ctx context.Context, p catalog.Plan, fn func(Writer) error) error {
	for n := 0; ; n++ {
		st, err := s.options.Catalog.Current(ctx)
		if err != nil {
			return err
		}
		p.Version = st.Version
		err = s.options.Store.Update(ctx, p, func(w catalog.Writer) error { return fn(writer(w)) })
		if !errors.Is(err, catalog.ErrStale) || n == 3 {
			return err
		}
	}
}

// keep keeps the ids of what a call writes in the transaction that writes them.
func (b *batching) keep(ctx context.Context, w Writer) error {
	once := b.call.Once
	if once == nil {
		return nil
	}
	ids := []byte{'['}
	for i, it := range b.all {
		if i > 0 {
			ids = append(ids, ',')
		}
		id := tree.Value{}
		if it.result.Err == nil && it.record != 0 {
			id = idValue(it.record, "")
		}
		ids = id.AppendJSON(ids)
	}
	headers, err := json.Marshal(map[string]any{"ids": json.RawMessage(append(ids, ']')), "batch": b.batch})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if b.call.Method == http.MethodPost {
		status = b.config.CreatedStatus
	}
	a := &Answer{Key: once.Key[:], Hash: once.Hash[:], At: b.service.options.Now().UnixMilli(), Status: status, Headers: headers}
	kept, err := w.KeepSyncAnswer(ctx, a, b.service.keptSince(b.config.State))
	if err == nil && !kept {
		return errKept
	}
	return err
}

// identifiers are locks on identifiers, shared by those that fall on the same one.
type identifiers struct {
	seed  maphash.Seed
	locks [256]sync.Mutex
}

// hold takes the locks of the identifiers of items, in one order; the result gives them
// back.
func (i *identifiers) hold(c *Compiled, items []*item) (release func()) {
	var held []int
	for _, it := range items {
		if it.ident != nil && it.result.Err == nil {
			held = append(held, int(maphash.String(i.seed, identifierOf(c, it))%uint64(len(i.locks))))
		}
	}
	slices.Sort(held)
	held = slices.Compact(held)
	for _, n := range held {
		i.locks[n].Lock()
	}
	return func() {
		for _, n := range held {
			i.locks[n].Unlock()
		}
	}
}

// identifierOf names an identifier among all of the company's, however configs spell the
// model and the field.
func identifierOf(c *Compiled, it *item) string {
	if c.linked() {
		return Link{Group: c.group(), External: it.ident.Key()}.name()
	}
	field := c.Identifier.System
	if f := c.Identifier.Field(); f != nil {
		field = strconv.FormatInt(int64(f.Num), 10)
	}
	return strings.Join([]string{strconv.FormatInt(int64(c.Catalog.Num), 10), field, it.ident.Key()}, "\x1f")
}

// stillFree makes sure, on several nodes, that nobody has taken the identifiers of new
// records since they were looked up.
func (b *batching) stillFree(ctx context.Context, w Writer, cw catalog.Reader, items []*item) error {
	if !b.service.options.Shared || b.config.Identifier == nil || b.config.linked() {
		return nil
	}
	var names []string
	var own query.Among
	var wanted query.Or
	for _, it := range items {
		if it.create && it.result.Err == nil && it.ident != nil {
			names = append(names, identifierOf(b.config, it))
			own = append(own, query.Key{Record: it.record})
			wanted = append(wanted, it.ident.Where())
		}
	}
	if names == nil {
		return nil
	}
	slices.Sort(names)
	for _, name := range names {
		if err := w.ReserveSyncIdentifier(ctx, b.scope.Catalog.Num, name); err != nil {
			return err
		}
	}
	page, err := cw.Select(ctx, &catalog.Selected{
		Structure: b.scope.Structure, Catalog: b.scope.Catalog, Where: query.And{wanted, query.Not{Node: own}}, Limit: 1,
	})
	if err == nil && page.Len() > 0 {
		return errTaken
	}
	return err
}
