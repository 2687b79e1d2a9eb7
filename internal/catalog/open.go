package catalog

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"kartoteka/internal/query"
)

// First is the first employee of a new company.
type First struct {
	Name     string
	Login    string
	Password string
	Section  string // name of the empty section for users' catalogs
}

// Open makes the service ready: an empty database gets the system's objects and
// the first employee, and messages left in the outbox are carried out. It tells
// whether the first employee was made.
func (s *Service) Open(ctx context.Context, first First) (created bool, err error) {
	st, err := s.Structure(ctx)
	if err != nil {
		return false, err
	}
	if st.CatalogByKey("$users") == nil {
		if err := s.reshape(ctx, nil, func(st *Structure, w Writer) error { return s.seed(ctx, st, w, first.Section) }); err != nil {
			return false, fmt.Errorf("make the system's objects: %w", err)
		}
	} else if err := s.completeSystem(ctx, st); err != nil {
		return false, fmt.Errorf("complete the system's catalogs: %w", err)
	}
	if err := s.prepareServer(ctx); err != nil {
		return false, fmt.Errorf("prepare the catalogs of the server: %w", err)
	}
	if created, err = s.firstEmployee(ctx, first); err != nil {
		return false, fmt.Errorf("make the first employee: %w", err)
	}
	if err := s.seedTemplates(ctx); err != nil {
		return created, fmt.Errorf("make the templates of letters: %w", err)
	}
	if err := s.relay(ctx); err != nil {
		return created, fmt.Errorf("carry out the outbox: %w", err)
	}
	if err := s.FollowServer(ctx); err != nil {
		return created, fmt.Errorf("show the accounts: %w", err)
	}
	return created, nil
}

// seed makes the system's sections and catalogs and one section for the users.
func (s *Service) seed(ctx context.Context, st *Structure, w Writer, section string) error {
	if st.CatalogByKey("$users") != nil {
		return nil // another node was faster
	}
	for _, section := range systemSections {
		if err := s.seedSection(ctx, w, *section); err != nil {
			return err
		}
	}
	for range FirstUserCatalog - 1 {
		if _, err := w.Next(ctx, CatalogCounter); err != nil {
			return err
		}
	}
	nextField := func() (query.Field, error) {
		n, err := w.Next(ctx, FieldCounter)
		return query.Field(n), err
	}
	for i := range systemCatalogs {
		c, err := systemCatalogs[i].build(nextField)
		if err != nil {
			return err
		}
		if err := w.SaveCatalog(ctx, c); err != nil {
			return err
		}
		if err := w.SaveFields(ctx, c, c.Fields); err != nil {
			return err
		}
	}
	if err := openSection(ctx, w, FirstUserSection); err != nil {
		return err
	}
	return s.seedSection(ctx, w, Section{Num: FirstUserSection, Key: strconv.Itoa(FirstUserSection), Name: section, Priority: 1})
}

func (s *Service) seedSection(ctx context.Context, w Writer, section Section) error {
	if _, err := w.Next(ctx, SectionCounter); err != nil {
		return err
	}
	return w.SaveSection(ctx, &section)
}

// firstEmployee makes the first employee unless there is one.
func (s *Service) firstEmployee(ctx context.Context, first First) (bool, error) {
	st, err := s.Structure(ctx)
	if err != nil {
		return false, err
	}
	users := st.Catalog(Employees)
	a := Actor{System: true, Origin: "cli"}
	some, err := s.Records(ctx, a, Employees, query.Query{Limit: 1}, &Selection{Fields: []*Field{}})
	if err != nil || some.Page.Len() > 0 {
		return false, err
	}
	values := []FieldValue{
		{users.FieldByKey("$name").Num, Text(first.Name)},
		{users.FieldByKey("$email").Num, Text(first.Login)},
		{users.FieldByKey("$password").Num, Text(first.Password)},
	}
	_, err = s.Apply(ctx, a, []Op{Create{Catalog: Employees, Values: values}}, func(w Writer, made []Outcome) error {
		for _, section := range systemSections {
			o := Object{Section: section.Num}
			rule := &Rule{Object: o, Subject: EmployeeSubject(made[0].Record), Privilege: AdminPrivilege}
			if err := w.SaveRules(ctx, o, []*Rule{rule}); err != nil {
				return err
			}
		}
		if err := s.mirror(ctx, w); err != nil {
			return err
		}
		return w.BumpRights(ctx)
	})
	return err == nil, err
}

// keepRemoved is how long a removed field's values are kept.
const keepRemoved = 30 * 24 * time.Hour

// Purge drops the values of fields removed longer than 30 days ago, and files that
// nobody needs.
func (s *Service) Purge(ctx context.Context) error {
	before := s.options.Now().Add(-keepRemoved).UnixMilli()
	var due []*Field
	err := s.view(ctx, func(_ *Structure, r Reader) (err error) {
		due, err = r.Purgeable(ctx, before)
		return err
	})
	if err != nil {
		return fmt.Errorf("find removed fields: %w", err)
	}
	for _, f := range due {
		err := s.reshape(ctx, []query.Catalog{f.Catalog}, func(st *Structure, w Writer) error {
			c := st.AnyCatalog(f.Catalog)
			if c == nil {
				return nil
			}
			if err := w.Purge(ctx, c, f); err != nil {
				return err
			}
			return w.LooseFiles(ctx, c.Num, f.Num, s.options.Now().UnixMilli())
		})
		if err != nil {
			return fmt.Errorf("purge field %d: %w", f.Num, err)
		}
	}
	if err := s.purgeChanges(ctx); err != nil {
		return fmt.Errorf("purge changes: %w", err)
	}
	return s.purgeFiles(ctx)
}

// upkeepEvery is how often Run looks for work that nobody waits for.
const upkeepEvery = time.Hour

// Run does what nobody waits for, until ctx ends: carries out messages that
// could not be at once, sends letters, purges, and tends the indexes.
func (s *Service) Run(ctx context.Context) error {
	var tending sync.WaitGroup
	tending.Go(func() { s.tendIndexes(ctx) })
	tending.Go(func() { s.tendServer(ctx) })
	tending.Go(func() { s.sendLetters(ctx) })
	defer tending.Wait()
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	swept := s.options.Now().Add(upkeepEvery - sweepEvery) // the first time after an hour
	for {
		if err := s.relay(ctx); err != nil && ctx.Err() == nil {
			s.options.Log.ErrorContext(ctx, "carry out the outbox", "error", err)
		}
		if err := s.Purge(ctx); err != nil && ctx.Err() == nil {
			s.options.Log.ErrorContext(ctx, "purge", "error", err)
		}
		if now := s.options.Now(); now.Sub(swept) >= sweepEvery {
			swept = now
			if err := s.sweepContents(ctx); err != nil && ctx.Err() == nil {
				s.options.Log.ErrorContext(ctx, "sweep contents", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.relayAgain:
		case <-tick.C:
		}
	}
}
