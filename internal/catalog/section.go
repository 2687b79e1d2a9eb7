package catalog

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// SectionInfo is a section as an actor sees it.
type SectionInfo struct {
	*Section
	Privilege Privilege
}

// SectionInput is what a caller sets of a section; nil leaves a part as it is.
type SectionInput struct {
	Key, Name, Icon *string
	Priority        *int
	// CatalogOrder puts the section's catalogs, by public id, into this order;
	// those not named follow in theirs.
	CatalogOrder []string
}

// Sections lists the sections that the actor sees, in menu order.
func (s *Service) Sections(ctx context.Context, a Actor) ([]SectionInfo, error) {
	st, access, err := s.current(ctx, a)
	if err != nil {
		return nil, err
	}
	infos := make([]SectionInfo, 0, len(st.Sections))
	for _, section := range st.Sections {
		if p := access.Section(section); p >= SearchPrivilege {
			infos = append(infos, SectionInfo{section, p})
		}
	}
	return infos, nil
}

// Section gives one section by public id: NotFound, Forbidden.
func (s *Service) Section(ctx context.Context, a Actor, key string) (SectionInfo, error) {
	st, access, err := s.current(ctx, a)
	if err != nil {
		return SectionInfo{}, err
	}
	return seenSection(st, access, key, AvailablePrivilege)
}

// openSection makes everybody administrator of a new section, until somebody
// restricts it.
func openSection(ctx context.Context, w Writer, n query.Section) error {
	o := Object{Section: n}
	return w.SaveRules(ctx, o, []*Rule{{Object: o, Privilege: AdminPrivilege}})
}

func seenSection(st *Structure, access *Access, key string, want Privilege) (SectionInfo, error) {
	section := st.SectionByKey(key)
	if section == nil {
		return SectionInfo{}, fault.New(fault.NotFound, "There is no such section")
	}
	p := access.Section(section)
	return SectionInfo{section, p}, need(p, want)
}

// CreateSection makes a section, the last in the menu unless a priority is given.
func (s *Service) CreateSection(ctx context.Context, a Actor, in SectionInput) (SectionInfo, error) {
	return s.writeSection(ctx, a, "section.created", in, func(st *Structure, access *Access, w Writer) (*Section, error) {
		settings := st.SectionByKey(settingsKey)
		if err := need(access.Section(settings), AdminPrivilege); err != nil {
			return nil, err
		}
		n, err := w.Next(ctx, SectionCounter)
		if err != nil {
			return nil, err
		}
		section := &Section{Num: query.Section(n), Key: strconv.FormatInt(n, 10), Priority: 1}
		for _, other := range st.Sections {
			if !other.System { // they stay at the end of the menu
				section.Priority = max(section.Priority, other.Priority+1)
			}
		}
		if in.Name == nil {
			in.Name = new(string)
		}
		if err := in.apply(st, section); err != nil {
			return nil, err
		}
		return section, openSection(ctx, w, section.Num)
	})
}

// UpdateSection changes a section and the order of its catalogs.
func (s *Service) UpdateSection(ctx context.Context, a Actor, key string, in SectionInput) (SectionInfo, error) {
	return s.writeSection(ctx, a, "section.changed", in, func(st *Structure, access *Access, w Writer) (*Section, error) {
		info, err := seenSection(st, access, key, AdminPrivilege)
		if err != nil {
			return nil, err
		}
		section := *info.Section
		if err := in.apply(st, &section); err != nil {
			return nil, err
		}
		return &section, orderCatalogs(ctx, w, st, &section, in.CatalogOrder)
	})
}

// DeleteSection takes a section and its catalogs out of everybody's sight. The
// operator can bring them back.
func (s *Service) DeleteSection(ctx context.Context, a Actor, key string) error {
	_, err := s.writeSection(ctx, a, "section.deleted", SectionInput{}, func(st *Structure, access *Access, w Writer) (*Section, error) {
		info, err := seenSection(st, access, key, AdminPrivilege)
		if err != nil {
			return nil, err
		}
		if info.System {
			return nil, fault.New(fault.InvalidParameter, "A system section cannot be deleted")
		}
		section := *info.Section
		section.Removed = s.options.Now()
		return &section, nil
	})
	return err
}

// writeSection saves the section that change makes, and notes the event.
func (s *Service) writeSection(ctx context.Context, a Actor, event string, in SectionInput,
	change func(*Structure, *Access, Writer) (*Section, error),
) (SectionInfo, error) {
	var info SectionInfo
	err := s.reshape(ctx, nil, func(st *Structure, w Writer) error {
		access, err := s.access(ctx, st, w, a)
		if err != nil {
			return err
		}
		section, err := change(st, access, w)
		if err != nil {
			return err
		}
		info = SectionInfo{section, access.Section(section)}
		return w.SaveSection(ctx, section)
	})
	if err == nil {
		s.audit(ctx, a, "Api", event, "section", info.Key, "changed", in.given())
	}
	return info, err
}

// apply sets the given parts of a section.
func (in SectionInput) apply(st *Structure, section *Section) error {
	var details []fault.Detail
	if in.Name != nil {
		section.Name = strings.TrimSpace(*in.Name)
		details = append(details, checkName("name", section.Name)...)
	}
	if in.Icon != nil {
		section.Icon = *in.Icon
		details = append(details, checkIcon(section.Icon)...)
	}
	if in.Priority != nil {
		section.Priority = *in.Priority
	}
	if err := fault.Invalid(details); err != nil {
		return err
	}
	if in.Key == nil || *in.Key == section.Key {
		return nil
	}
	other := st.SectionByKey(*in.Key)
	section.Key = *in.Key
	return checkKey(*in.Key, int64(section.Num), section.System, other != nil)
}

// orderCatalogs gives the section's catalogs their places in the menu.
func orderCatalogs(ctx context.Context, w Writer, st *Structure, section *Section, order []string) error {
	if order == nil {
		return nil
	}
	var own []*Catalog
	for _, c := range st.Catalogs {
		if c.Section == section.Num {
			own = append(own, c)
		}
	}
	place := func(c *Catalog) int {
		if i := slices.Index(order, c.Key); i >= 0 {
			return i
		}
		return len(order)
	}
	for _, key := range order {
		c := st.CatalogByKey(key)
		if c == nil || c.Section != section.Num {
			return fault.New(fault.InvalidParameter, "catalogsPriorities: the section has no catalog %s", text.Cut(key, 70))
		}
	}
	slices.SortStableFunc(own, func(a, b *Catalog) int { return place(a) - place(b) })
	for i, c := range own {
		moved := *c
		moved.Priority = i + 1
		if err := w.SaveCatalog(ctx, &moved); err != nil {
			return err
		}
	}
	return nil
}

// checkName checks the name of a section, catalog or field.
func checkName(path, name string) []fault.Detail {
	switch n := text.Len(name); {
	case n == 0:
		return []fault.Detail{fault.At(path, fault.Required, "a name is required")}
	case n > 255:
		return []fault.Detail{fault.At(path, fault.TooLong, "a name has at most 255 characters")}
	case strings.IndexByte(name, 0) >= 0:
		return []fault.Detail{fault.At(path, fault.Type, "the text contains a NUL character")}
	}
	return nil
}

func checkIcon(icon string) []fault.Detail {
	if text.Len(icon) > 100 || strings.IndexByte(icon, 0) >= 0 {
		return []fault.Detail{fault.At("icon", fault.TooLong, "an icon has at most 100 characters")}
	}
	return nil
}

// checkKey checks a new public id of a section or catalog.
func checkKey(key string, number int64, system, taken bool) error {
	switch {
	case system:
		return fault.New(fault.InvalidID, "The id of a system object cannot be changed")
	case chosenKey(key, number) != "":
		return fault.New(fault.InvalidID, "The id %s cannot be chosen: it must begin with a Latin letter and have letters, digits, - and _ only, 64 at most", text.Cut(key, 70))
	case taken:
		return fault.New(fault.DuplicateID, "The id %s is taken", key)
	}
	return nil
}
