//go:build !nopython && linux && (amd64 || arm64)

package script

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/kluctl/go-embed-python/python"
)

const embeddedModule = "github.com/kluctl/go-embed-python"

// embeddedKey is derived from the checksum of the module that brings the interpreter.
func embeddedKey() string {
	content := embeddedModule
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == embeddedModule {
				content += " " + d.Version + " " + d.Sum
			}
		}
	}
	sum := sha256.Sum256([]byte(content + " " + runtime.GOOS + " " + runtime.GOARCH))
	return hex.EncodeToString(sum[:8])
}

func unpackEmbedded(home string) error {
	if _, err := python.NewEmbeddedPythonWithTmpDir(home, false); err != nil {
		return err
	}
	_ = os.Remove(home + ".lock") // of the library
	return prune(home)
}
