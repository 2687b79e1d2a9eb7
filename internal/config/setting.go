package config

import "strings"

// Effect says what a setting does in this version.
type Effect string

const (
	// Active settings act.
	Active Effect = "yes"
	// Later settings belong to a part that this version does not have.
	Later Effect = "not in this version"
	// Unneeded settings configure something that works differently here.
	Unneeded Effect = "none"
)

// Row is a setting with its value in force, for people to read.
type Row struct {
	Key     string
	Aliases []string
	// Kind is the type of the value in words, with its range.
	Kind string
	// Default is the default's text, "" = unset; DefaultKey names the setting
	// whose value stands in for a missing one.
	Default, DefaultKey string
	// Value is the text in force, masked when Secret.
	Value string
	// Source tells where Value came from: "default", "flag --listen",
	// "environment KARTOTEKA_HOST", "config.env line 3".
	Source string
	// Unit is "ms", "bytes", ... or "".
	Unit   string
	Help   string
	Secret bool
	Effect Effect
	// Given tells that a source set the value.
	Given bool
}

// setting is one line of the table.
type setting struct {
	key     string
	aliases []alias
	def     string
	defKey  string
	unit    string
	help    string
	effect  Effect
	// flag is the command line's name for it, "" = only --set.
	flag string
	// blank tells that an empty value means something other than the default.
	blank bool
	value value
}

// alias is another name; read turns its text into the setting's, nil = as it is.
type alias struct {
	name string
	read func(string) string
}

// names gives the key and its aliases, each a key with the reading of its text.
func (s setting) names() []alias {
	return append([]alias{{name: s.key}}, s.aliases...)
}

func (s setting) secret() bool { return s.value.mask != nil }

func (s setting) row(in input) Row {
	row := Row{
		Key: s.key, Kind: s.value.kind, Default: s.def, DefaultKey: s.defKey, Unit: s.unit, Help: s.help,
		Value: in.text, Source: in.source, Given: in.given, Secret: s.secret(), Effect: s.effect,
	}
	for _, a := range s.aliases {
		row.Aliases = append(row.Aliases, a.name)
	}
	if s.secret() && in.text != "" {
		row.Value = s.value.mask(in.text)
	}
	return row
}

// prefixes in order of precedence.
var prefixes = []string{"KARTOTEKA_", "BPIUM_", ""}

// bare takes our prefixes off a variable's name.
func bare(name string) (key string, prefixed bool) {
	for _, p := range prefixes[:2] {
		if k, ok := strings.CutPrefix(name, p); ok {
			return k, true
		}
	}
	return name, false
}
