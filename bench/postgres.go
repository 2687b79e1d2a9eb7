package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// pgDatabase is the connection string of another database of the same server.
func pgDatabase(dsn, name string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		panic(err) // a URL is asked for in README.md
	}
	u.Path = "/" + name
	return u.String()
}

// pgCreate makes a database from a template, in place of one of that name.
func pgCreate(dsn, name, template string) error {
	c, err := pgx.Connect(bg, dsn)
	if err != nil {
		return err
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(bg, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()); err != nil {
		return err
	}
	_, err = c.Exec(bg, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", pgx.Identifier{name}.Sanitize(), pgx.Identifier{template}.Sanitize()))
	return err
}

// pgSize is the size of a database in bytes.
func pgSize(dsn, name string) (n int64, err error) {
	c, err := pgx.Connect(bg, dsn)
	if err != nil {
		return 0, err
	}
	defer c.Close(context.Background())
	err = c.QueryRow(bg, "SELECT pg_database_size($1)", name).Scan(&n)
	return n, err
}

func pgExec(dsn, name, sql string) error {
	c, err := pgx.Connect(bg, pgDatabase(dsn, name))
	if err != nil {
		return err
	}
	defer c.Close(context.Background())
	_, err = c.Exec(bg, sql)
	return err
}

// pgTime is the processor time that a PostgreSQL server on this machine has
// used, if the target is on one; 0 otherwise.
func pgTime(target string) (sum time.Duration) {
	dsn := os.Getenv("KARTOTEKA_TEST_PG")
	if dsn == "" || !strings.HasSuffix(target, "-pg") {
		return 0
	}
	c, err := pgx.Connect(bg, dsn)
	if err != nil {
		return 0
	}
	defer c.Close(context.Background())
	stat := procStat(int(c.PgConn().PID()))
	if len(stat) < 15 {
		return 0
	}
	server, _ := strconv.Atoi(stat[1]) // the parent of all its processes
	for _, used := range procStat(server)[11:15] {
		sum += ticks(used) // its own, and that of those that have ended
	}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if stat := procStat(pid); len(stat) >= 15 && stat[1] == strconv.Itoa(server) {
			sum += ticks(stat[11]) + ticks(stat[12])
		}
	}
	return sum
}
