// Package config is the one table of settings: key, default, unit, help,
// whether it is secret and whether it has an effect here.
//
// A value comes from, in this order: the command line, the environment, the
// file config.env in the working folder, the table's default. In the
// environment and in the file every key may carry the prefix KARTOTEKA_ or,
// for people who move here, BPIUM_; a prefixed one wins, ours first. KEY_FILE
// names a file that holds the value. Load checks everything at once and gives
// typed values, which are passed on as values: there is no global state.
//
// Settings of the original that do nothing here are accepted, checked and
// listed as such, so that a config.env can be moved unchanged.
//
// The package must not know what any setting is used for: it imports no other
// room and opens no connection.
package config
