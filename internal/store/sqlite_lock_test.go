package store

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// lockHelper names the folder that a second process of this test holds.
const lockHelper = "KARTOTEKA_TEST_LOCK_FOLDER"

func TestLockFolder(t *testing.T) {
	if dir := os.Getenv(lockHelper); dir != "" {
		holdFolder(t, dir)
		return
	}
	dir := t.TempDir()
	release, err := LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockFolder(dir); !errors.Is(err, ErrFolderHeld) {
		t.Errorf("a second lock of the same process gave %v", err)
	}
	release()
	release, err = LockFolder(dir)
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	release()
}

// holdFolder runs in the second process, until its input ends.
func holdFolder(t *testing.T, dir string) {
	release, err := LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	_, _ = os.Stdout.WriteString("held\n")
	_, _ = os.Stdin.Read(make([]byte, 1))
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestLockFolder$")
	cmd.Env = append(os.Environ(), lockHelper+"="+dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	_, err = LockFolder(dir)
	if want := "the data folder " + dir + " is held by another process"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = stdin.Close()
	_ = cmd.Wait() // it was killed
	release, err := LockFolder(dir)
	if err != nil {
		t.Fatalf("after the other process was killed: %v", err)
	}
	release()
}
