//go:build unix

package script

import (
	"archive/zip"
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

//go:embed python/*.py
var sources embed.FS

//go:embed python/boot.py
var bootSource string

// zones are the time zones of the world: lib/time/zoneinfo.zip of Go, made from the
// data of IANA, which is in the public domain.
//
//go:embed python/zones.zip
var zones []byte

// modules are ours in the order in which they need each other.
var modules = []string{
	"entropy", "zones", "relativedelta", "dateparser", "odoo", "library", "values", "records", "modules", "compiler", "runner", "sandbox", "worker",
}

// bootMessage is what an interpreter gets first: our modules and what they need.
func bootMessage(unsafe bool) ([]byte, error) {
	boot := struct {
		Modules [][2]string       `json:"modules"`
		Zones   map[string][]byte `json:"zones"`
		Filter  []byte            `json:"filter"`
		Unsafe  bool              `json:"unsafe"`
	}{Filter: allowed.filter(), Unsafe: unsafe}
	for _, name := range modules {
		source, err := sources.ReadFile("python/" + name + ".py")
		if err != nil {
			return nil, err
		}
		if name == "sandbox" && unsafe {
			continue
		}
		boot.Modules = append(boot.Modules, [2]string{name, string(source)})
	}
	var err error
	if boot.Zones, err = zoneFiles(); err != nil {
		return nil, fmt.Errorf("read the time zones: %w", err)
	}
	return json.Marshal(boot)
}

func zoneFiles() (map[string][]byte, error) {
	r, err := zip.NewReader(bytes.NewReader(zones), int64(len(zones)))
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{}
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		content, err := f.Open()
		if err != nil {
			return nil, err
		}
		if all[f.Name], err = io.ReadAll(content); err != nil {
			return nil, err
		}
		if err := content.Close(); err != nil {
			return nil, err
		}
	}
	return all, nil
}
