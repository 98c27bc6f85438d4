//go:build linux

package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// disk is where the store is. It can be filled, or refuse writes, where this user and the system allow it; elsewhere these two
// faults are off the menu.
type disk struct {
	dir   string
	small bool // a disk of its own, of diskBytes
	locks bool // its files can be made immutable
}

const diskBytes = 24 << 20

// newDisk makes the folder; a small one is a tmpfs, which only root may mount. A file of another file system can be made immutable.
func newDisk(dir string, small bool) *disk {
	d := &disk{dir: dir}
	if os.MkdirAll(dir, 0o700) != nil {
		return d
	}
	if small {
		d.small = syscall.Mount("dingbridge-chaos", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", diskBytes)) == nil
		return d
	}
	probe := filepath.Join(dir, "probe")
	f, err := os.Create(probe)
	if err != nil {
		return d
	}
	if setImmutable(probe, true) == nil {
		_, err := f.WriteString("x")
		d.locks = err != nil && setImmutable(probe, false) == nil
	}
	_ = f.Close()        // it was only to try
	_ = os.Remove(probe) // likewise
	return d
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill leaves no byte free.
func (d *disk) fill() error {
	f, err := os.Create(d.ballast())
	if err != nil {
		return err
	}
	block := make([]byte, 1<<16)
	for _, n := range []int{1 << 16, 4096, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(block[:n])
		}
	}
	return f.Close()
}

func (d *disk) free() error { return os.Remove(d.ballast()) }

// readOnly takes away the right to write to the store's files, also through handles that are open (the immutable flag, chattr(1)).
func (d *disk) readOnly(on bool) error {
	files, err := filepath.Glob(filepath.Join(d.dir, "store.db*"))
	if err != nil {
		return err
	}
	for _, name := range files {
		if strings.HasSuffix(name, ".lock") {
			continue
		}
		if err := setImmutable(name, on); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

func (d *disk) remove() {
	if d.locks {
		_ = d.readOnly(false) // it may be off already
	}
	if d.small {
		_ = syscall.Unmount(d.dir, unix.MNT_DETACH) // whatever a failure left open must not keep the disk
	}
}

// immutableFlag is FS_IMMUTABLE_FL of linux/fs.h.
const immutableFlag = 0x10

func setImmutable(name string, on bool) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	flags, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	flags &^= immutableFlag
	if on {
		flags |= immutableFlag
	}
	return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags)
}
