package apisync

import (
	"context"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// Exchange is what one request maps between the JSON of others and records of a
// config's model. What it looks up it keeps; it is used by one goroutine.
type Exchange struct {
	s     *Service
	plan  *plan
	actor catalog.Actor
	scope *catalog.Scope
	// Base is the scheme and host that addresses of files begin with.
	Base string
	// Dry tells that nothing is written: no numbers are taken and no files stored.
	Dry bool
	// Only narrows Show and Selection to lines of these external keys; nil for all.
	Only []string

	// domain compiles the identifier_domain of a config; nil for a config without one.
	domain func(ctx context.Context, c *Compiled) (query.Node, error)
	// eval works out a default that is a Python expression.
	eval func(ctx context.Context, expression string, item tree.Value) (tree.Value, error)
	// script runs the script of a line; set is false when it gives no value.
	script func(ctx context.Context, run *lineRun) (v tree.Value, set bool, err error)

	// phases takes what the work takes; nil for nothing.
	phases *Phases

	found    map[foundKey]*found
	people   map[string]*found // employees by what was asked
	children map[childrenKey]*childRows
	external map[externalsKey]map[query.Record]string
	claimed  map[Link]bool // external ids that items want, by group and id
	numbers  map[query.Catalog]*reservation
	files    fileBudget
	links    *catalog.FileLinks
}

// lineRun is what the script of a line is run for.
type lineRun struct {
	Line *CompiledLine
	// Out tells that a record is shown, row Row of Rows; else Item is read, and Rows is
	// its record before or nil.
	Out  bool
	Item tree.Value
	// Value is what the line would give if it were plain: that of the key, or the
	// field's.
	Value tree.Value
	Rows  *catalog.Rows
	Row   int

	of    *mapLine
	plan  *plan
	depth int // of mapping configs
}

// Exchange begins the mapping of one request. The scope is that of the config's model.
func (s *Service) Exchange(c *Compiled, a catalog.Actor, sc *catalog.Scope) *Exchange {
	x := &Exchange{s: s, plan: c.mapping(), actor: a, scope: sc, people: map[string]*found{}, numbers: map[query.Catalog]*reservation{}}
	x.forget()
	return x
}

// forget drops what is known of the store's records.
func (x *Exchange) forget() {
	x.found, x.children = map[foundKey]*found{}, map[childrenKey]*childRows{}
	x.external, x.claimed = map[externalsKey]map[query.Record]string{}, map[Link]bool{}
}

// backend notes what reading or writing records has taken since a moment.
func (x *Exchange) backend(since time.Time) {
	if x.phases != nil {
		x.phases.Backend += elapsed(since)
	}
}

// Selection is what has to be read of records to Show them.
func (x *Exchange) Selection() *catalog.Selection {
	sel := &catalog.Selection{Fields: []*catalog.Field{}}
	s := selector{x: x, only: x.Only}
	s.lines(sel, x.plan, 0)
	return sel
}

// Before is what has to be read of a record that Map is to change.
func (x *Exchange) Before() *catalog.Selection { return x.before(x.plan) }

func (x *Exchange) before(p *plan) *catalog.Selection {
	sel := &catalog.Selection{Fields: []*catalog.Field{}}
	s := selector{x: x, in: true}
	s.lines(sel, p, 0)
	return sel
}
