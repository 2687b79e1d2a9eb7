package adminapi

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/report"
)

// reporter prints what a report of records gives.
type reporter struct {
	catalog, axis, split  string // as an operator names them
	value, filter         string
	sort, zone, as        string
	limit, offset, splits int
	format                string
	width                 int // 0 for the terminal's

	measure measureWord
}

// The formats of a report; "" is the one that suits.
const (
	tableFormat = "table"
	barsFormat  = "bars"
	csvFormat   = "csv"
	jsonFormat  = "json"
)

// Bounds of the width, in columns.
const (
	minWidth = 20
	maxWidth = 10_000
)

func defineReport(set *flag.FlagSet) func(words []string) (*Task, error) {
	r := &reporter{}
	steps := strings.Join(bpium.Steps, "|")
	set.StringVar(&r.axis, "axis", "", "what the records are grouped by, `FIELD[:STEP]`: a field by id or name, or created, the time of creation; "+
		"a time is taken by day or by a STEP of "+steps+"; a STEP alone is one of the time of creation")
	set.StringVar(&r.split, "split", "", "the second dimension, `FIELD[:STEP]` as --axis")
	set.StringVar(&r.value, "value", "count", "what is measured, `FUNCTION:FIELD`: "+measureHelp)
	set.StringVar(&r.filter, "filter", "", "only the records that a filter in the API's syntax takes, `JSON` such as {\"7\":[\"1\"]}")
	set.StringVar(&r.sort, "sort", "", "the `ORDER` axis or value, with :asc or :desc; dates newest first, links and employees by value, others by axis when left out")
	set.IntVar(&r.limit, "limit", report.DefaultLimit, fmt.Sprintf("so many groups at most, a `NUMBER` up to %d", report.MaxLimit))
	set.IntVar(&r.offset, "offset", 0, "leave out the first groups, a `NUMBER`")
	set.IntVar(&r.splits, "split-limit", report.DefaultSplits, fmt.Sprintf("the most frequent groups of the second dimension, a `NUMBER` up to %d", report.MaxSplits))
	set.StringVar(&r.zone, "timezone", "", "the clock of days and hours, a `ZONE` such as Europe/Kyiv with its present offset, minutes east of UTC, or local; "+
		"COMPANY_TIMEZONE when left out")
	set.StringVar(&r.as, "as", "", "only what the employee with this `LOGIN` may see")
	set.StringVar(&r.format, "format", "", "the `FORMAT` table, bars, csv or json; bars on a terminal for one dimension, else a table, when left out")
	set.IntVar(&r.width, "width", 0, "the width of the table or the bars, a `NUMBER` of columns; the terminal's when left out")
	return func(words []string) (*Task, error) {
		if len(words) != 1 {
			return nil, usage("one catalog is wanted, by id or name")
		}
		r.catalog = words[0]
		if err := r.understand(set); err != nil {
			return nil, err
		}
		return &Task{run: r.run}, nil
	}
}

// understand checks what can be checked without data.
func (r *reporter) understand(set *flag.FlagSet) (err error) {
	if r.measure, err = parseMeasure(r.value); err != nil {
		return err
	}
	if _, _, err := parseOrder(r.sort); err != nil {
		return err
	}
	if r.zone == "local" { // the caller's, who may not be where the server is
		_, seconds := time.Now().Zone()
		if err := set.Set("timezone", strconv.Itoa(seconds/60)); err != nil {
			return err
		}
	}
	if _, err := offsetOf(r.zone, time.UTC, time.Time{}); err != nil {
		return err
	}
	switch {
	case !slices.Contains([]string{"", tableFormat, barsFormat, csvFormat, jsonFormat}, r.format):
		return usage("--format must be table, bars, csv or json")
	case r.limit < 1 || r.limit > report.MaxLimit:
		return usage("--limit must be a number from 1 to %d", report.MaxLimit)
	case r.splits < 1 || r.splits > report.MaxSplits:
		return usage("--split-limit must be a number from 1 to %d", report.MaxSplits)
	case r.offset < 0:
		return usage("--offset must be 0 or more")
	case r.width != 0 && (r.width < minWidth || r.width > maxWidth):
		return usage("--width must be a number from %d to %d", minWidth, maxWidth)
	}
	return nil
}

func (r *reporter) run(ctx context.Context, t Tools, c Call) error {
	who, err := r.actor(ctx, t)
	if err != nil {
		return err
	}
	key, err := catalogNamed(ctx, t, who, r.catalog)
	if err != nil {
		return err
	}
	var s *sheet
	err = t.Catalog.Request(ctx, who, key, func(who catalog.Actor, sc *catalog.Scope) error {
		ask, err := r.ask(t, who, sc)
		if err != nil {
			return err
		}
		v, err := (&report.Service{Catalog: t.Catalog}).Values(ctx, who, ask)
		if err == nil {
			s = newSheet(v, sc.Catalog, who.Offset)
		}
		return err
	})
	if err != nil {
		return err
	}
	if r.width != 0 {
		c.Width = r.width
	}
	return s.write(c, r.format)
}

// actor is who asks: an operator, or an employee by login.
func (r *reporter) actor(ctx context.Context, t Tools) (who catalog.Actor, err error) {
	who = operator("cli")
	if r.as != "" {
		a, err := t.Accounts.AccountByLogin(ctx, r.as)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return who, err
		}
		n, ok := int64(0), false
		if err == nil {
			n, ok = (&account.Principal{Links: a.Links}).Employee(t.Company)
		}
		if !ok {
			return who, fmt.Errorf("nobody signs in as %q", r.as)
		}
		who = catalog.Actor{Employee: query.Record(n), Origin: who.Origin}
	}
	who.Offset, err = offsetOf(r.zone, t.Zone, t.Now())
	return who, err
}

// offsetOf is how far a zone is east of UTC, minutes: by its name, now, or as a
// number. No name is whenNone.
func offsetOf(zone string, whenNone *time.Location, now time.Time) (int, error) {
	const west, east = -12 * 60, 14 * 60
	where := whenNone
	if zone != "" {
		if n, err := strconv.Atoi(zone); err == nil {
			if n < west || n > east {
				return 0, usage("--timezone must be from %d to %d minutes", west, east)
			}
			return n, nil
		}
		var err error
		if where, err = time.LoadLocation(zone); err != nil {
			return 0, usage("there is no time zone %q; one is named as Europe/Kyiv, or by its minutes east of UTC", zone)
		}
	}
	_, seconds := now.In(where).Zone()
	return seconds / 60, nil
}

// ask finds what the words name in the catalog.
func (r *reporter) ask(t Tools, who catalog.Actor, sc *catalog.Scope) (report.Ask, error) {
	ask := report.Ask{AggregateAsk: catalog.AggregateAsk{Catalog: sc.Catalog.Num}, Limit: r.limit, Offset: r.offset, Splits: r.splits}
	var err error
	if ask.Axis, err = grouping(sc, "--axis", r.axis); err != nil {
		return ask, err
	}
	if ask.Split, err = grouping(sc, "--split", r.split); err != nil {
		return ask, err
	}
	if ask.Measure, err = r.measure.in(sc); err != nil {
		return ask, err
	}
	if ask.Order, ask.Direction, err = parseOrder(r.sort); err != nil {
		return ask, err
	}
	at := catalog.Moment{Now: t.Now().UnixMilli(), Offset: who.Offset, Employee: who.Employee}
	ask.Query.Where, err = bpium.ParseFilter(r.filter, sc, at)
	return ask, err
}
