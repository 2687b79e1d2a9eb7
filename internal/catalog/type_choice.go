package catalog

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// MaxItems bounds the options of a field.
const MaxItems = 1000

// choice is what the types with options share.
type choice struct{ plain }

var itemColour = regexp.MustCompile(`^[0-9A-Fa-f]{6}$`)

// Configure numbers the options: those with a known id keep their number, the
// others get the next one.
func (choice) Configure(path string, c *Config, before *Config) []fault.Detail {
	if before == nil {
		before = &Config{}
	}
	if len(c.Items) > MaxItems {
		return []fault.Detail{fault.At(path+".items", fault.TooMany, "at most %d options", MaxItems)}
	}
	var details []fault.Detail
	c.NextItem = max(before.NextItem, 1)
	seen := map[string]bool{}
	for i := range c.Items {
		item := &c.Items[i]
		at := path + ".items[" + strconv.Itoa(i) + "]"
		if known := before.ItemByKey(item.Key); item.Key != "" && known != nil {
			item.Num = known.Num
		} else {
			item.Num = query.Item(c.NextItem)
			c.NextItem++
			if item.Key == "" {
				item.Key = strconv.FormatInt(int64(item.Num), 10)
			} else if code := chosenKey(item.Key, int64(item.Num)); code != "" {
				details = append(details, fault.At(at+".id", code, "an option cannot have the id %s", text.Cut(item.Key, 70)))
			}
		}
		details = append(details, checkItem(at, item, seen)...)
	}
	return details
}

func checkItem(path string, item *Item, seen map[string]bool) []fault.Detail {
	var details []fault.Detail
	if seen[item.Key] {
		details = append(details, fault.At(path+".id", fault.DuplicateID, "two options have the id %s", item.Key))
	}
	seen[item.Key] = true
	if n := text.Len(strings.TrimSpace(item.Name)); n == 0 || n > 255 {
		details = append(details, fault.At(path+".name", fault.Required, "an option needs a name of 1 to 255 characters"))
	}
	if item.Color != "" && !itemColour.MatchString(item.Color) {
		details = append(details, fault.At(path+".color", fault.Type, "a colour is six hexadecimal digits"))
	}
	return details
}

// acceptItems checks options and puts them into the order of the config.
func acceptItems(f *Field, v Value, several bool) (Value, *fault.Detail) {
	if v == nil {
		return nil, nil
	}
	items, ok := v.(Items)
	if !ok {
		return nil, mistyped(f)
	}
	ordered := make(Items, 0, len(items))
	for _, known := range f.Config.Items {
		if slices.Contains(items, known.Num) {
			ordered = append(ordered, known.Num)
		}
	}
	for _, n := range items {
		if !slices.Contains(ordered, n) {
			return nil, failed(f, fault.UnknownItem, "%s: there is no such option", f.Name)
		}
	}
	switch {
	case len(ordered) == 0:
		return nil, nil
	case len(ordered) > 1 && !several:
		return nil, failed(f, fault.TooMany, "%s: only one option is allowed", f.Name)
	}
	return ordered, nil
}

func (choice) Initial(f *Field, _ Moment) Value {
	if !f.Config.Default || len(f.Config.Items) == 0 {
		return nil
	}
	return Items{f.Config.Items[0].Num}
}

// dropdownType is a status: one option or several.
type dropdownType struct{ choice }

func (dropdownType) Name() string { return "dropdown" }
func (dropdownType) Storage(c *Config) Storage {
	if c.Multi {
		return ItemsStorage
	}
	return ItemStorage
}
func (dropdownType) Accept(f *Field, v Value) (Value, *fault.Detail) {
	return acceptItems(f, v, f.Config.Multi)
}

// radiobuttonType is a choice of one option.
type radiobuttonType struct{ choice }

func (radiobuttonType) Name() string            { return "radiobutton" }
func (radiobuttonType) Storage(*Config) Storage { return ItemStorage }
func (radiobuttonType) Accept(f *Field, v Value) (Value, *fault.Detail) {
	return acceptItems(f, v, false)
}

// checkboxesType is a set of options.
type checkboxesType struct{ choice }

func (checkboxesType) Name() string            { return "checkboxes" }
func (checkboxesType) Storage(*Config) Storage { return ItemsStorage }
func (checkboxesType) Accept(f *Field, v Value) (Value, *fault.Detail) {
	return acceptItems(f, v, true)
}
