package catalog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// The records of the catalogs of accounts and companies show what the directory
// knows. They follow it at the start, after each message to it, and each minute
// for what comes from outside: log-ins, failures, activity, other programs.
const (
	followEvery = time.Minute
	countEvery  = time.Hour
	// activityGrain is how exactly last activities are shown: without it each
	// minute of work would write a record for each person who works.
	activityGrain = 5 * time.Minute
)

// serverOrigin is the origin of changes that the server makes for itself.
const serverOrigin = "server"

// serverView is what the records were last brought in line with.
type serverView struct {
	mu       sync.Mutex
	accounts []DirectoryAccount // nil for unknown
	records  int64              // of users' catalogs; 0 before the first count
}

func (v *serverView) shows(accounts []DirectoryAccount) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.accounts != nil && slices.Equal(v.accounts, accounts)
}

// set notes what is shown; nil makes the next look a whole one.
func (v *serverView) set(accounts []DirectoryAccount) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.accounts = accounts
}

func (v *serverView) counted() int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.records
}

func (v *serverView) count(n int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.records, v.accounts = n, nil
}

// directoryAccounts are the accounts as they are shown.
func (s *Service) directoryAccounts(ctx context.Context) ([]DirectoryAccount, error) {
	list, err := s.options.Server.Accounts.Accounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the accounts: %w", err)
	}
	for i := range list {
		list[i].LastActivity = list[i].LastActivity.Truncate(activityGrain)
	}
	return list, nil
}

// FollowServer brings the records of accounts and of the company in line with the
// directory. While it has not learnt yet what somebody wants of an account, the
// records are ahead of it and stay.
func (s *Service) FollowServer(ctx context.Context) error {
	if s.options.Server.Accounts == nil {
		return nil
	}
	accounts, err := s.directoryAccounts(ctx)
	if err != nil || s.server.shows(accounts) {
		return err
	}
	var shown []DirectoryAccount
	err = s.update(ctx, Reshape, []query.Catalog{Accounts, companies}, func(st *Structure, w Writer) error {
		shown = nil
		waiting, err := w.Outbox(ctx, []string{accountKind}, 0, 1)
		if err != nil || len(waiting) > 0 {
			return err
		}
		if shown, err = s.directoryAccounts(ctx); err != nil {
			return err
		}
		if err := s.showCompany(ctx, w, st, shown); err != nil {
			return err
		}
		return s.showAccounts(ctx, w, st, shown)
	})
	if err != nil {
		return err
	}
	s.server.set(shown)
	return nil
}

// showAccounts writes what differs between the accounts and their records, and
// removes the records of accounts that are gone.
func (s *Service) showAccounts(ctx context.Context, w Writer, st *Structure, accounts []DirectoryAccount) error {
	c := st.Catalog(Accounts)
	shown, err := readMirror(ctx, w, st, c)
	if err != nil {
		return err
	}
	var list []Mutation
	for _, a := range accounts {
		o := mirrored{record: a.Account, values: s.accountValues(a), partly: true}
		row := shown.take(&o)
		keepLatest(o.values, shown, row)
		if m := o.mutation(shown, row); m != nil {
			list = append(list, *m)
		}
	}
	return s.writeMirror(ctx, w, c, append(list, shown.rest()...))
}

func (s *Service) accountValues(a DirectoryAccount) map[string]Value {
	values := map[string]Value{
		nameKey:          textOrNone(a.Name),
		emailKey:         textOrNone(a.Login),
		companiesKey:     nil,
		lastLoginKey:     timeOrNone(a.LastLogin),
		failedLoginsKey:  Number(a.FailedLogins),
		lastActivityKey:  timeOrNone(a.LastActivity),
		requestLimitKey:  numberOrNone(int64(a.RequestLimit)),
		limitIntervalKey: numberOrNone(a.RequestInterval.Milliseconds()),
		sessionsFromKey:  timeOrNone(a.SessionsFrom),
	}
	if a.Employee != 0 {
		values[companiesKey] = linkTargets(query.MakeRef(companies, s.companyRecord()))
	}
	return values
}

// keepLatest keeps a later activity that is shown already: the directory forgets
// that of sessions that ended.
func keepLatest(values map[string]Value, shown *mirrorRows, row int) {
	if row < 0 {
		return
	}
	was, _ := shown.value(row, lastActivityKey).(Time)
	if is, _ := values[lastActivityKey].(Time); was > is {
		values[lastActivityKey] = was
	}
}

// showCompany writes what differs between the company and its record, which is
// made when there is none.
func (s *Service) showCompany(ctx context.Context, w Writer, st *Structure, accounts []DirectoryAccount) error {
	c := st.Catalog(companies)
	shown, err := readRows(ctx, w, st, c, query.Among{{Record: s.companyRecord()}})
	if err != nil {
		return err
	}
	o := mirrored{record: s.companyRecord(), partly: true, values: map[string]Value{
		databaseKey:     textOrNone(s.options.Server.Database),
		statusKey:       Items{1},
		lastActivityKey: timeOrNone(lastActivity(accounts)),
	}}
	row := shown.take(&o)
	keepLatest(o.values, shown, row)
	if n := s.server.counted(); n > 0 {
		o.values[recordsCountKey] = Number(n)
	}
	if tag, err := s.versionTag(ctx, w, st); err != nil {
		return err
	} else if tag != 0 {
		o.values[versionKey] = linkTargets(query.MakeRef(apiTags, tag))
	}
	if row < 0 {
		o.values[nameKey] = Text(s.options.Server.Name)
		o.values[groupKey] = linkTargets(query.MakeRef(companiesGroups, 1))
	}
	if len(accounts) > 0 && (row < 0 || shown.value(row, creatorKey) == nil) {
		o.values[creatorKey] = Text(strconv.FormatInt(int64(accounts[0].Account), 10))
	}
	if m := o.mutation(shown, row); m != nil {
		return s.writeMirror(ctx, w, c, []Mutation{*m})
	}
	return nil
}

func lastActivity(accounts []DirectoryAccount) (last time.Time) {
	for _, a := range accounts {
		if a.LastActivity.After(last) {
			last = a.LastActivity
		}
	}
	return last
}

// versionTag is the record of the program's version, 0 if there is none.
func (s *Service) versionTag(ctx context.Context, r Reader, st *Structure) (query.Record, error) {
	if s.options.Server.Version == "" {
		return 0, nil
	}
	found, err := withText(ctx, r, st, st.Catalog(apiTags).FieldByKey(versionKey), s.options.Server.Version)
	if err != nil || len(found.rows) == 0 {
		return 0, err
	}
	return found.records()[0], nil
}

// prepareServer makes the records that the company of the server begins with:
// the default group of companies and, once for each, the program's version.
func (s *Service) prepareServer(ctx context.Context) error {
	if s.options.Server.Accounts == nil {
		return nil
	}
	var grouped bool
	var tag query.Record
	err := s.view(ctx, func(st *Structure, r Reader) (err error) {
		if tag, err = s.versionTag(ctx, r, st); err != nil {
			return err
		}
		shown, err := readRows(ctx, r, st, st.Catalog(companies), query.Among{{Record: s.companyRecord()}})
		grouped = err == nil && shown.page.Len() > 0
		return err
	})
	if err != nil {
		return err
	}
	if tag == 0 && s.options.Server.Version != "" {
		err = s.tryMake(ctx, apiTags, versionKey, Text(s.options.Server.Version))
	}
	if grouped || err != nil {
		return err
	}
	return s.defaultGroup(ctx)
}

// tryMake makes a record with one value; that another node was faster is fine.
func (s *Service) tryMake(ctx context.Context, n query.Catalog, key string, v Value) error {
	st, err := s.Structure(ctx)
	if err != nil {
		return err
	}
	f := st.Catalog(n).FieldByKey(key)
	op := Create{Catalog: n, Values: []FieldValue{{f.Num, v}}}
	if _, err = s.Apply(ctx, Actor{System: true, Origin: serverOrigin}, []Op{op}, nil); fault.Is(err, fault.Duplicate) {
		return nil
	}
	return err
}

// defaultGroup makes the first group of companies, unless there was one.
func (s *Service) defaultGroup(ctx context.Context) error {
	return s.update(ctx, Reshape, []query.Catalog{companiesGroups}, func(st *Structure, w Writer) error {
		c := st.Catalog(companiesGroups)
		shown, err := readMirror(ctx, w, st, c)
		if err != nil || shown.page.Len() > 0 {
			return err
		}
		o := mirrored{record: 1, partly: true, values: map[string]Value{nameKey: Text("1"), defaultKey: Bool(true)}}
		return s.writeMirror(ctx, w, c, []Mutation{*o.mutation(shown, -1)})
	})
}

// tendServer keeps the records in line until ctx ends, and counts the records of
// the company each hour.
func (s *Service) tendServer(ctx context.Context) {
	if s.options.Server.Accounts == nil {
		return
	}
	follow := time.NewTicker(followEvery)
	defer follow.Stop()
	var counted time.Time
	for {
		if now := s.options.Now(); now.Sub(counted) >= countEvery {
			counted = now
			if err := s.CountRecords(ctx); err != nil && ctx.Err() == nil {
				s.options.Log.ErrorContext(ctx, "count the records", "error", err)
			}
		}
		if err := s.FollowServer(ctx); err != nil && ctx.Err() == nil {
			s.options.Log.ErrorContext(ctx, "show the accounts", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-follow.C:
		}
	}
}

// CountRecords counts the records of users' catalogs, one catalog a snapshot.
func (s *Service) CountRecords(ctx context.Context) error {
	st, err := s.Structure(ctx)
	if err != nil {
		return err
	}
	var sum int64
	for _, c := range st.Catalogs {
		if c.System {
			continue
		}
		var n int64
		err := s.view(ctx, func(st *Structure, r Reader) (err error) {
			if now := st.Catalog(c.Num); now != nil {
				n, err = r.Count(ctx, &Selected{Structure: st, Catalog: now})
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("count the records of catalog %d: %w", c.Num, err)
		}
		sum += n
	}
	if sum != s.server.counted() {
		s.server.count(sum)
	}
	return nil
}

func textOrNone(s string) Value {
	if s == "" {
		return nil
	}
	return Text(s)
}

func numberOrNone(n int64) Value {
	if n == 0 {
		return nil
	}
	return Number(n)
}

func timeOrNone(t time.Time) Value {
	if t.IsZero() {
		return nil
	}
	return Time(t.UnixMilli())
}
