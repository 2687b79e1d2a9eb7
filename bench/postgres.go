package main

import (
	"context"
	"fmt"
	"net/url"

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
