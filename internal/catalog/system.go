package catalog

import (
	"strconv"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// The system sections. They answer to these ids only.
const (
	settingsKey = "$settings"
	systemKey   = "$system"
)

var systemSections = []*Section{
	{Num: 1, Key: settingsKey, Name: "Management", Icon: "settings-1", Priority: 1000, System: true},
	{Num: 2, Key: systemKey, Name: "Server", Icon: "settings-2", Priority: 1001, System: true},
}

// FirstUserSection and FirstUserCatalog are the first numbers that users'
// objects get, so that they never meet a number that old clients use for a
// system catalog.
const (
	FirstUserSection = 3
	FirstUserCatalog = 25
)

// oauthProviders has no number in the old numbering; this one is out of the
// counter's way.
const oauthProviders query.Catalog = 1_000_000

// systemCatalog is a catalog that every company has. Number and field numbers
// are the aliases that old clients use, frozen for ever.
type systemCatalog struct {
	num     query.Catalog
	section query.Section
	key     string
	name    string
	icon    string
	mirror  bool
	silent  bool // keeps no history
	fields  []systemField
}

// systemField is a field of a system catalog; its number is its alias.
type systemField struct {
	id       int
	key      string
	name     string
	typ      string
	config   Config
	required bool
	apiOnly  bool
	secret   bool
	kept     bool // by the server: what callers write is passed over, as into a formula
	unique   bool // no two records have the same text
	// check finds what is wrong with a value that a type would accept; nil for
	// no more rules.
	check func(*Field, Value) *fault.Detail
}

// options makes the items of a system field, numbered in order.
func options(pairs ...string) []Item {
	items := make([]Item, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		items = append(items, Item{Num: query.Item(i/2 + 1), Key: pairs[i], Name: pairs[i+1]})
	}
	return items
}

func single(pairs ...string) Config { return Config{Items: options(pairs...), Default: true} }

func several(pairs ...string) Config { return Config{Items: options(pairs...), Multi: true} }

func linkTo(multi bool, catalogs ...query.Catalog) Config {
	c := Config{Multi: multi, LinkMode: "list"}
	for _, n := range catalogs {
		c.Sources = append(c.Sources, Source{Catalog: n})
	}
	return c
}

var (
	multiline = Config{Kind: KindMultiline}
	instant   = Config{Mode: ModeDateTime}
	onOff     = single("$on", "On", "$off", "Off")
)

// build makes the stored objects of a system catalog; next gives field numbers.
func (c *systemCatalog) build(next func() (query.Field, error)) (*Catalog, error) {
	built := &Catalog{
		Num: c.num, Key: c.key, Section: c.section, Name: c.name, Icon: c.icon,
		Priority: int(c.num), History: !c.silent, System: true, Mirror: c.mirror, NextField: 1,
	}
	fields := make([]*Field, len(c.fields))
	for i, sf := range c.fields {
		num, err := next()
		if err != nil {
			return nil, err
		}
		fields[i] = &Field{
			Num: num, ID: sf.id, Key: sf.key, Catalog: c.num, Type: TypeByName(sf.typ), Name: sf.name,
			Required: sf.required, APIOnly: sf.apiOnly, Secret: sf.secret, History: !sf.secret, Filterable: !sf.secret,
			System: true, Config: sf.config,
		}
		if n := len(sf.config.Items); n > 0 {
			fields[i].Config.NextItem = int64(n + 1)
		}
		built.NextField = max(built.NextField, sf.id+1)
	}
	built.setFields(fields)
	return built, nil
}

// SystemAlias is the frozen number by which old clients call a system catalog,
// "" for catalogs without one.
func (c *Catalog) SystemAlias() string {
	if !c.System || c.Num >= FirstUserCatalog {
		return ""
	}
	return strconv.FormatInt(int64(c.Num), 10)
}
