package store

import (
	"context"
	"math"

	"kartoteka/internal/catalog"
	columns "kartoteka/internal/catalog/column"
	"kartoteka/internal/query"
)

// SQLite groups by sorting, which takes most of the time of an aggregation. Where
// no different values are counted, the rows are grouped as they come instead. (On
// PostgreSQL each of them would travel.)

// streams tells whether rows are grouped as they come.
func (a *aggregation) streams() bool {
	return !a.dialect.Remote() && a.Measure.Of != query.Distinct
}

// streamKey tells groups apart. As a key of a map it takes two thirds of the time
// of two catalog.GroupKeys.
type streamKey struct {
	axis, split         streamPart
	axisText, splitText string
}

type streamPart struct {
	value int64 // or the bits of a number
	some  bool
}

type streamGroup struct {
	axis, split   catalog.GroupKey
	records, seen int64
	columns.Tally
}

// stream groups the rows of the inner statement.
type stream struct {
	*aggregation
	at   map[streamKey]*streamGroup
	last streamKey
	of   *streamGroup // the group of last
}

// stream reads rows and gives their groups.
func (t *tx) stream(ctx context.Context, a *aggregation, each func(*catalog.Group, catalog.GroupKey) error) error {
	a.add("SELECT ")
	if err := a.inner(); err != nil {
		return err
	}
	s := &stream{aggregation: a, at: map[streamKey]*streamGroup{}}
	if a.axis.key == noKey && a.split.key == noKey {
		s.group(streamKey{}, func() (axis, split catalog.GroupKey) { return catalog.NoGroup, catalog.NoGroup })
	}
	if err := t.conn.Query(ctx, string(a.sql), a.args, s.add); err != nil {
		return err
	}
	for _, g := range s.at {
		group := &catalog.Group{Axis: g.axis, Split: g.split, Records: g.records, Seen: g.seen,
			Values: g.Values, Sum: g.Sum(), Min: g.Min, Max: g.Max}
		if err := each(group, catalog.GroupKey{}); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) add(r row) error {
	i, key := 0, streamKey{}
	key.axis, key.axisText = s.part(r, &i, s.axis.key)
	key.split, key.splitText = s.part(r, &i, s.split.key)
	if s.of == nil || key != s.last {
		s.group(key, func() (axis, split catalog.GroupKey) {
			at := 0
			return readGroupKey(r, &at, s.axis.key), readGroupKey(r, &at, s.split.key)
		})
		if len(s.at) > s.Most {
			return errStop // which is too many
		}
	}
	g := s.of
	g.records++
	if !s.values() {
		return nil
	}
	if !s.hides() || !r.Null(i+1) {
		g.seen++
	}
	if !r.Null(i) {
		g.Add(r.Float(i))
	}
	return nil
}

// group finds a group, or makes it with the keys that are given then.
func (s *stream) group(key streamKey, keys func() (axis, split catalog.GroupKey)) {
	s.last = key
	if s.of = s.at[key]; s.of == nil {
		s.of = &streamGroup{}
		s.of.axis, s.of.split = keys()
		s.at[key] = s.of
	}
}

// part reads what tells a dimension's groups apart.
func (s *stream) part(r row, i *int, k keyType) (p streamPart, text string) {
	at := *i
	switch {
	case k == noKey:
		return p, ""
	case k == textKey:
		*i += 2
	default:
		*i++
	}
	if r.Null(at) {
		return p, ""
	}
	p.some = true
	switch k {
	case textKey:
		return p, r.Str(at)
	case floatKey:
		if v := r.Float(at); v != 0 { // 0 and -0 are one
			p.value = int64(math.Float64bits(v))
		}
	default:
		p.value = r.Int(at)
	}
	return p, ""
}
