package store

import (
	"context"
	"errors"
	"fmt"

	"kartoteka/internal/catalog"
)

// Version says which structure and which rights a database has. It is the one
// row of the table that every company's first migration makes:
//
//	CREATE TABLE versions (id bigint PRIMARY KEY CHECK (id = 1),
//	    structure bigint NOT NULL, rights bigint NOT NULL);
//	INSERT INTO versions VALUES (1, 1, 1);
//
// A node prepares its work for a version; a transaction that finds another one
// gives ErrStale, and the caller reloads and starts again.
type Version = catalog.Version

// ErrStale says that the structure or the rights changed since the caller
// loaded them: load again, then repeat.
var ErrStale = errors.New("the structure or the rights have changed")

// part is what Bump raises.
type part int

const (
	partStructure part = 1 << iota
	partRights
)

const (
	selectVersion = `SELECT structure, rights FROM versions WHERE id = 1`
	// assertVersion divides by zero where the version is another.
	assertVersion = `SELECT 1 / (structure = ? AND rights = ?)::int FROM versions WHERE id = 1`
	bumpVersion   = `UPDATE versions SET structure = structure + ?, rights = rights + ? WHERE id = 1`
)

// increments are the arguments of bumpVersion.
func (p part) increments() []any {
	return []any{int64(p & partStructure), int64(p&partRights) >> 1}
}

// readVersion gives the version in the transaction's snapshot.
func readVersion(ctx context.Context, c conn) (v Version, err error) {
	found := false
	err = c.Query(ctx, selectVersion, nil, func(r row) error {
		v, found = Version{Structure: r.Int(0), Rights: r.Int(1)}, true
		return nil
	})
	if err == nil && !found {
		err = errors.New("the table versions has no row")
	}
	if err != nil {
		return v, fmt.Errorf("read the version: %w", err)
	}
	return v, nil
}

// expectVersion gives ErrStale when the transaction's snapshot has another.
func expectVersion(ctx context.Context, c conn, want Version) error {
	v, err := readVersion(ctx, c)
	if err == nil && v != want {
		err = ErrStale
	}
	return err
}
