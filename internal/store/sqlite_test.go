package store

import (
	"context"
	"testing"
)

func TestSmoke(t *testing.T) {
	e, err := openSQLite(t.TempDir() + "/a.db")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ctx := context.Background()
	err = e.Update(ctx, updateOptions{}, func(c conn) error {
		if err := c.Script(ctx, "CREATE TABLE t (a integer, b text); INSERT INTO t VALUES (1,'x')"); err != nil {
			return err
		}
		n, err := c.Exec(ctx, "INSERT INTO t VALUES (?,?)", 2, "y")
		t.Log(n)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = e.View(ctx, nil, func(c conn) error {
		return c.Query(ctx, "SELECT a,b FROM t WHERE "+c.Dialect().AnyInt("a"), []any{[]int64{1, 2}}, func(r row) error {
			t.Log(r.Int(0), r.Str(1), string(r.Bytes(1)))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}
