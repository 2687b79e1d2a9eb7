//go:build unix

package script

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// startTime is how long the interpreter may take to load everything, forkTime how
// long a child may take until it is ready.
const (
	startTime = 60 * time.Second
	forkTime  = 10 * time.Second
)

// parent is the process that forks children.
type parent struct {
	control *net.UnixConn
	send    sync.Mutex
	pid     int
	// reduced tells that it has no namespaces, landlock the version of Landlock.
	reduced  bool
	landlock int
	gone     chan struct{} // closed when the process is
	said     *bounded
}

// bounded keeps the beginning of what is written.
type bounded struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *bounded) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if room := 4096 - b.text.Len(); room > 0 {
		b.text.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (b *bounded) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

// startParent starts an interpreter, in namespaces of its own where the machine
// allows that and they are wanted.
func startParent(python string, boot []byte, unsafe, namespaces bool) (*parent, error) {
	if !unsafe && namespaces {
		p, err := startIn(python, boot, attributes(true))
		if err == nil || !noNamespaces(err) {
			return p, err
		}
	}
	p, err := startIn(python, boot, attributes(false))
	if err == nil {
		p.reduced = true
	}
	return p, err
}

// startIn gives the error of exec.Cmd when the process cannot be made.
func startIn(python string, boot []byte, attr *sysProcAttr) (*parent, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	p := &parent{control: ours, gone: make(chan struct{}), said: &bounded{}}
	// -I: nothing of the environment or the working folder; -S: no site packages.
	cmd := exec.Command(python, "-I", "-S", "-B", "-X", "utf8", "-c", bootSource)
	cmd.Env = []string{"TZ=UTC", "LC_ALL=C.UTF-8"}
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stderr = p.said
	cmd.SysProcAttr = attr
	started := make(chan error, 1)
	go func() {
		// The kernel kills the process when the thread that started it ends.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(p.gone)
	}()
	err = <-started
	_ = theirs.Close()
	if err != nil {
		_ = ours.Close()
		return nil, err
	}
	p.pid = cmd.Process.Pid
	if err := p.prepare(boot); err != nil {
		p.end()
		return nil, fmt.Errorf("start %s: %w: %s", python, err, p.said)
	}
	return p, nil
}

// prepare gives the interpreter its modules and waits until it is ready.
func (p *parent) prepare(boot []byte) error {
	_ = p.control.SetDeadline(time.Now().Add(startTime))
	if _, err := p.control.Write(frame(boot)); err != nil {
		return err
	}
	f := frames{from: p.control}
	content, err := f.read()
	if err != nil {
		return err
	}
	var ready struct {
		OK       bool `json:"ok"`
		Landlock int  `json:"landlock"`
	}
	if err := json.Unmarshal(content, &ready); err != nil || !ready.OK {
		return fmt.Errorf("it answered %q", cut(string(content), 200))
	}
	p.landlock = ready.Landlock
	return p.control.SetDeadline(time.Time{})
}

// alive tells whether the process is there.
func (p *parent) alive() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

// end kills the parent, and with it all children, and waits for it.
func (p *parent) end() {
	if proc, err := os.FindProcess(p.pid); err == nil && p.alive() {
		_ = proc.Kill()
	}
	_ = p.control.Close()
	<-p.gone
}

// errWall is in the error of a child that could not put up its walls.
var errWall = errors.New("the sandbox cannot be set up")

// fork makes a child and waits until it is ready.
func (p *parent) fork(g group) (*child, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	c := &child{group: g, parent: p, conn: ours, frames: frames{from: ours}, left: lifetime()}
	if err = wantSender(ours); err == nil {
		err = p.order(theirs, g.memory)
	}
	_ = theirs.Close()
	if err == nil {
		err = c.greet()
	}
	if err != nil {
		c.end()
		return nil, fmt.Errorf("fork: %w", err)
	}
	return c, nil
}

// order sends the child's end of its socket and its memory to the parent.
func (p *parent) order(theirs *os.File, memory int64) error {
	p.send.Lock()
	defer p.send.Unlock()
	_ = p.control.SetWriteDeadline(time.Now().Add(forkTime))
	return sendFile(p.control, theirs, memory)
}

// greet reads the first frame of a child, which comes before any script is there.
func (c *child) greet() error {
	_ = c.conn.SetReadDeadline(time.Now().Add(forkTime))
	first := make([]byte, 4096)
	n, pid, err := readSender(c.conn, first)
	if err != nil {
		return err
	}
	if n == 0 {
		return io.ErrUnexpectedEOF
	}
	if c.proc, err = openProcess(pid); err != nil {
		return err
	}
	c.frames.buf = append(c.frames.buf, first[:n]...)
	content, err := c.frames.read()
	if err != nil {
		return err
	}
	var hello struct {
		OK     bool   `json:"ok"`
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal(content, &hello); err != nil || !hello.OK {
		return fmt.Errorf("%w: %s", errWall, hello.Reason)
	}
	return nil
}
