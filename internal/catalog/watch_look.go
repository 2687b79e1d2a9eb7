package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

const (
	// toldMost bounds the changes that are told at once: whoever is further behind
	// reads everything anew.
	toldMost = 10_000
	// toldFor is how old a change may be that is still told.
	toldFor = 24 * time.Hour
	// membersAtOnce bounds the records that conditions are tested for at once.
	membersAtOnce = 1_000
)

// Telling is what a change is to somebody who listens.
type Telling int

// The kinds.
const (
	ToldCreated Telling = iota // the record came into sight
	ToldUpdated
	ToldGone // out of sight
)

// Told is a change as somebody may be told of it.
type Told struct {
	Seq, At int64 // its number, and when, Unix ms
	Kind    Telling
	Record  query.Record
	Code    string   // the record's custom id, "" for none
	Changed []*Field // those that are shown, in the catalog's order
}

// Looked is what became of watched records.
type Looked struct {
	Seq int64 // the last change that was looked at
	// Lost tells that it is not known any more what was changed, or under which
	// rights it was seen: everything is to be read anew, and Told is empty.
	Lost bool
	// Told are the changes that a sight shows, by their numbers; without those that
	// it does not concern.
	Told map[SightKey][]Told
	// Anew are the watches whose catalog is to be read anew: it was emptied, or they
	// see otherwise than before. Told has nothing for them.
	Anew map[*Watch]bool
	// Failed are those that see nothing any more, with the reason.
	Failed map[*Watch]error
}

// Changed gives a value when this process has written something since the last one.
// One consumer waits for it.
func (s *Service) Changed() <-chan struct{} { return s.changed }

func (s *Service) wakeWatchers() {
	select {
	case s.changed <- struct{}{}:
	default: // it is awake
	}
}

// LookFrom gives the number of the last change, for who begins to listen.
func (s *Service) LookFrom(ctx context.Context) (seq int64, err error) {
	if err := s.store.Sequence(ctx); err != nil {
		return 0, err
	}
	err = s.view(ctx, func(_ *Structure, r Reader) (err error) {
		seq, err = r.LastChange(ctx)
		return err
	})
	return seq, err
}

// Look tells what became of watched records after a number, under the rights of now.
// The watches have looked up to there; they see as of now afterwards.
func (s *Service) Look(ctx context.Context, after int64, watches []*Watch) (*Looked, error) {
	return s.lookAt(ctx, after, watches, false)
}

// LookBack is Look for watches that were not there: what they saw up to the number
// is known as far as neither the structure nor rights were changed since.
func (s *Service) LookBack(ctx context.Context, after int64, watches []*Watch) (*Looked, error) {
	return s.lookAt(ctx, after, watches, true)
}

func (s *Service) lookAt(ctx context.Context, after int64, watches []*Watch, back bool) (*Looked, error) {
	if err := s.store.Sequence(ctx); err != nil {
		return nil, err
	}
	var l *looking
	err := s.view(ctx, func(st *Structure, r Reader) error {
		l = &looking{Service: s, st: st, r: r, back: back, after: after, scenes: map[query.Catalog]*scene{}, sights: map[*Watch]*Sight{}}
		l.Looked = Looked{Seq: after, Told: map[SightKey][]Told{}, Anew: map[*Watch]bool{}, Failed: map[*Watch]error{}}
		return l.look(ctx, watches)
	})
	if err != nil {
		return nil, fmt.Errorf("look for changes: %w", err)
	}
	for w, sight := range l.sights {
		w.sight = sight
	}
	return &l.Looked, nil
}

// looking is one look, of one snapshot.
type looking struct {
	*Service
	Looked
	st     *Structure
	r      Reader
	back   bool
	after  int64
	scenes map[query.Catalog]*scene
	sights map[*Watch]*Sight // that are others than before
}

// scene is a catalog that is watched.
type scene struct {
	catalog *Catalog
	sights  map[SightKey]*Sight
	stories map[query.Record]*story
	cleared bool
	nodes   []query.Node // of all sights, each once
	at      map[string]int
	needs   map[query.Field]bool // that the conditions look at
}

// story is what became of a record.
type story struct {
	record  query.Record
	entries []entry
}

// entry is a change of a record.
type entry struct {
	seq, at int64 // seq 0: not in order yet, and told later
	kind    MutationKind
	fields  []query.Field              // that were changed
	old     map[query.Field]tree.Value // of those that conditions look at
}

func (l *looking) look(ctx context.Context, watches []*Watch) error {
	if err := l.refresh(ctx, watches); err != nil {
		return err
	}
	if err := l.readLog(ctx); err != nil || l.Lost {
		l.Told = map[SightKey][]Told{}
		return err
	}
	for _, n := range slices.Sorted(maps.Keys(l.scenes)) {
		if err := l.scenes[n].tell(ctx, l); err != nil {
			return err
		}
	}
	for _, w := range watches {
		sight := l.sightOf(w)
		if sc := l.scenes[sight.catalog.Num]; sc != nil && sc.cleared && l.Failed[w] == nil {
			l.Anew[w] = true
		}
	}
	return l.nameRecords(ctx)
}

func (l *looking) sightOf(w *Watch) *Sight {
	if sight := l.sights[w]; sight != nil {
		return sight
	}
	return w.sight
}

// refresh works out what the watches see now, and which catalogs that takes.
func (l *looking) refresh(ctx context.Context, watches []*Watch) error {
	minute := l.minute()
	for _, w := range watches {
		sight := w.sight
		if sight.stale(l.st, minute) {
			var err error
			if sight, err = l.sight(ctx, l.st, l.r, w); err != nil {
				if !Refused(err) {
					return err
				}
				l.Failed[w] = err
				continue
			}
			l.sights[w] = sight
			if sight.key != w.sight.key {
				l.Anew[w] = true
			}
		}
		l.scene(sight.catalog).add(sight)
	}
	return nil
}

func (l *looking) scene(c *Catalog) *scene {
	sc := l.scenes[c.Num]
	if sc == nil {
		sc = &scene{catalog: c, sights: map[SightKey]*Sight{}, stories: map[query.Record]*story{}, at: map[string]int{}, needs: map[query.Field]bool{}}
		l.scenes[c.Num] = sc
	}
	return sc
}

// add notes what the sight takes to judge by.
func (sc *scene) add(s *Sight) {
	if sc.sights[s.key] != nil {
		return
	}
	sc.sights[s.key] = s
	for i, text := range s.texts {
		if _, known := sc.at[text]; known {
			continue
		}
		sc.at[text] = len(sc.nodes)
		sc.nodes = append(sc.nodes, s.nodes[i])
		for _, f := range fieldsIn(s.nodes[i]) {
			sc.needs[f] = true
		}
	}
}

// fieldsIn are the fields of the record itself that a condition looks at.
func fieldsIn(n query.Node) (list []query.Field) {
	switch n := n.(type) {
	case query.And:
		for _, e := range n {
			list = append(list, fieldsIn(e)...)
		}
	case query.Or:
		for _, e := range n {
			list = append(list, fieldsIn(e)...)
		}
	case query.Not:
		list = fieldsIn(n.Node)
	case query.Cond:
		list = []query.Field{n.Field}
	}
	return list
}

var errFar = errors.New("too far behind")

// readLog takes down what became of the records of the scenes.
func (l *looking) readLog(ctx context.Context) error {
	oldest := l.options.Now().Add(-toldFor).UnixMilli()
	of := slices.Sorted(maps.Keys(l.scenes))
	numbered, pending := 0, 0
	err := l.r.Told(ctx, l.after, toldMost+1, of, func(c *ToldChange) error {
		switch {
		case l.back && (c.Catalog == 0 || c.At < oldest), c.Seq > 0 && c.Seq != l.Seq+1:
			return errFar
		case c.Seq == 0:
			pending++
		default:
			l.Seq = c.Seq
			numbered++
		}
		if max(numbered, pending) > toldMost {
			return errFar
		}
		return l.note(c)
	})
	if err != nil && !errors.Is(err, errFar) {
		return err
	}
	last, failed := l.r.LastChange(ctx)
	if errors.Is(err, errFar) || last < l.after {
		l.Lost, l.Seq = true, last
	}
	return failed
}

// note takes a change down.
func (l *looking) note(c *ToldChange) error {
	sc := l.scenes[c.Catalog]
	if sc == nil {
		return nil
	}
	if c.Record == 0 {
		// It is told at once, and once more when it has its number.
		sc.cleared = true
		return nil
	}
	e := entry{seq: c.Seq, at: c.At, kind: c.Kind, old: map[query.Field]tree.Value{}}
	values, err := tree.ParseJSON(c.Values, tree.Limits{})
	if err != nil && len(c.Values) > 0 {
		return fmt.Errorf("read what change %d changed: %w", c.Seq, err)
	}
	for _, member := range values.Fields() {
		n, err := strconv.ParseInt(member.Key, 10, 64)
		pair := member.Value.Items()
		if err != nil || len(pair) != 2 {
			continue
		}
		f := query.Field(n)
		e.fields = append(e.fields, f)
		if sc.needs[f] {
			e.old[f] = pair[0]
		}
	}
	s := sc.stories[c.Record]
	if s == nil {
		s = &story{record: c.Record}
		sc.stories[c.Record] = s
	}
	s.entries = append(s.entries, e)
	return nil
}

// nameRecords gives the records of what is told their custom ids.
func (l *looking) nameRecords(ctx context.Context) error {
	refs := map[query.Ref]bool{}
	for _, sc := range l.scenes {
		for key := range sc.sights {
			for _, t := range l.Told[key] {
				refs[query.MakeRef(sc.catalog.Num, t.Record)] = true
			}
		}
	}
	titles := Titles{}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(refs)), membersAtOnce) {
		some, err := l.r.Titles(ctx, chunk)
		if err != nil {
			return fmt.Errorf("read the ids of records: %w", err)
		}
		maps.Copy(titles, some)
	}
	for _, sc := range l.scenes {
		for key := range sc.sights {
			told := l.Told[key]
			for i := range told {
				told[i].Code = titles[query.MakeRef(sc.catalog.Num, told[i].Record)].Code
			}
		}
	}
	return nil
}
