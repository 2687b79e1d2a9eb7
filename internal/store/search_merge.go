package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"kartoteka/internal/query"
)

// Every segment of a search index costs each search some page reads for every
// three letters that are looked for. While nobody writes, the segments of an
// index become one, bit by bit.
const (
	// mergePages is how much one transaction merges, some 30 ms.
	mergePages = 100
	// mergeShare is which part of an index must be in small segments before the
	// whole is written anew, so that each row is few times.
	mergeShare = 4
	// mergeQuiet is how long nobody has written, then.
	mergeQuiet = 2 * time.Second
	// mergeRest is how many times as long as it works a merge rests when somebody
	// has read meanwhile, mergePause when nobody has.
	mergeRest, mergePause = 3, 1
)

// tidy merges the segments of indexes that have grown, until rows wait again.
func (t *searchTail) tidy(ctx context.Context) error {
	var err error
	t.grown.Range(func(key, _ any) bool {
		c := key.(query.Catalog)
		more := true
		// A merge of all segments begins with a negative number of pages.
		for pages := -mergePages; more; pages = mergePages {
			if !t.idle(ctx) {
				return false
			}
			began, viewed := time.Now(), t.company.viewed.Load()
			if more, err = t.merge(ctx, c, pages); err != nil {
				err = fmt.Errorf("merge the search index of catalog %d: %w", c, err)
				return false
			}
			pause := time.Duration(mergePause)
			if t.company.viewed.Load() != viewed {
				pause = mergeRest
			}
			t.rest(ctx, pause*time.Since(began))
		}
		t.grown.Delete(c)
		return true
	})
	return err
}

// idle waits until nobody has written for a while; false if rows wait first.
func (t *searchTail) idle(ctx context.Context) bool {
	for {
		left := mergeQuiet - time.Since(time.Unix(0, t.company.written.Load()))
		if t.waiting.Load() > 0 || ctx.Err() != nil {
			return false
		}
		if left <= 0 {
			return true
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-t.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// merge goes on with making one segment of an index, if that is worth it.
func (t *searchTail) merge(ctx context.Context, c query.Catalog, pages int) (more bool, err error) {
	table := searchTable(c)
	err = t.company.engine.Update(ctx, updateOptions{Class: classJob}, func(conn conn) error {
		more = false
		before, err := readSegments(ctx, conn, table)
		if err != nil || !before.worth(pages < 0) {
			return err
		}
		_, err = conn.Exec(ctx, `INSERT INTO `+table+` (`+table+`, rank) VALUES ('merge', ?)`, pages)
		if err != nil {
			return err
		}
		after, err := readSegments(ctx, conn, table)
		more = !slices.Equal(before, after)
		return err
	})
	return more, err
}

// segments are the sizes of an index's segments, in pages.
type segments []int

// worth tells whether to go on merging, or to begin.
func (s segments) worth(begin bool) bool {
	if len(s) < 2 {
		return false
	}
	largest, all := slices.Max(s), 0
	for _, n := range s {
		all += n
	}
	return !begin || (all-largest)*mergeShare >= all
}

// structureRow is the row of an FTS5 table's data in which its segments are
// (https://sqlite.org/fts5.html, "FTS5 Data Structures"; the record's format
// is described at the head of fts5_index.c).
const structureRow = 10

func readSegments(ctx context.Context, c conn, table string) (s segments, err error) {
	err = c.Query(ctx, `SELECT block FROM `+table+`_data WHERE id = ?`, []any{structureRow}, func(r row) (err error) {
		s, err = parseSegments(r.Bytes(0))
		return err
	})
	return s, err
}

var errSegments = errors.New("the structure of the search index cannot be read")

// parseSegments reads the record: a cookie of four bytes, then numbers: of the
// levels, of all segments, of writes; for each level that of merged segments
// and of segments; for each of these its id, first and last page.
func parseSegments(b []byte) (segments, error) {
	r := varints{b: b}
	r.skip(4)
	levels, total := r.next(), r.next()
	r.next()
	var s segments
	for ; levels > 0 && !r.bad; levels-- {
		r.next()
		for n := r.next(); n > 0 && !r.bad; n-- {
			r.next()
			first := r.next()
			s = append(s, int(r.next()-first+1))
		}
	}
	if r.bad || uint64(len(s)) != total {
		return nil, errSegments
	}
	return s, nil
}

// varints reads SQLite's variable-length integers: seven bits a byte, the most
// significant first, eight in a ninth.
type varints struct {
	b   []byte
	bad bool
}

func (r *varints) skip(n int) {
	if r.bad = r.bad || len(r.b) < n; !r.bad {
		r.b = r.b[n:]
	}
}

func (r *varints) next() (v uint64) {
	for i := 0; i < len(r.b); i++ {
		if i == binary.MaxVarintLen64-2 {
			v = v<<8 | uint64(r.b[i])
		} else {
			v = v<<7 | uint64(r.b[i]&0x7f)
		}
		if r.b[i] < 0x80 || i == binary.MaxVarintLen64-2 {
			r.b = r.b[i+1:]
			return v
		}
	}
	r.bad = true
	return 0
}
