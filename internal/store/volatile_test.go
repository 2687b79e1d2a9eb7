package store

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// Only what a power failure may undo does not wait for the disk, also among other
// updates in one commit.
func TestVolatile(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		waits := func(volatile bool) (list []string) {
			t.Helper()
			sql := "PRAGMA synchronous"
			if e.Dialect().Remote() {
				sql = "SHOW synchronous_commit"
			}
			err := e.Update(t.Context(), updateOptions{Volatile: volatile}, func(c conn) error {
				list = nil
				return c.Query(t.Context(), sql, nil, func(r row) error {
					list = append(list, r.Str(0))
					return nil
				})
			})
			if err != nil {
				t.Error(err)
			}
			return list
		}
		durable, not := []string{"2"}, []string{"1"}
		if e.Dialect().Remote() {
			durable, not = []string{"on"}, []string{"off"}
		}
		for i, volatile := range []bool{false, true, true, false} {
			want := durable
			if volatile {
				want = not
			}
			if got := waits(volatile); !slices.Equal(got, want) {
				t.Errorf("%d: volatile %v gives %v", i, volatile, got)
			}
		}
		// The writer is kept busy until a volatile update and another one wait for it.
		began, both := make(chan struct{}), make(chan struct{})
		var ended sync.WaitGroup
		ended.Go(func() {
			_ = e.Update(t.Context(), updateOptions{}, func(conn) error {
				close(began)
				<-both
				return nil
			})
		})
		<-began
		for _, volatile := range []bool{true, false} {
			ended.Go(func() {
				if got := waits(volatile); !volatile && !slices.Equal(got, durable) {
					t.Errorf("beside a volatile update: %v", got)
				}
			})
		}
		time.Sleep(20 * time.Millisecond) // they queue up; if not, less is tested
		close(both)
		ended.Wait()
	})
}
