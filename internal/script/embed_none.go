//go:build unix && (nopython || !linux || !(amd64 || arm64))

package script

import "errors"

// embeddedKey is empty: there is no interpreter in this program.
func embeddedKey() string { return "" }

func unpackEmbedded(string) error { return errors.New("there is no interpreter in this program") }
