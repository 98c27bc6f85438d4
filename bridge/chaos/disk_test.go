package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// disk is where the store is. It can be filled, or refuse writes, where this user and the system allow it; elsewhere these two
// faults are off the menu.
type disk struct {
	dir   string
	small bool // a disk of its own, of diskBytes
	locks bool // its files can be made immutable
}

const diskBytes = 24 << 20

// mountDetach is MNT_DETACH of umount2(2).
const mountDetach = 2

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
		if err := setImmutable(name, on); err != nil {
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
		_ = syscall.Unmount(d.dir, mountDetach) // whatever a failure left open must not keep the disk
	}
}

// setImmutable runs chattr(1): a process that opens and closes a file loses its locks on it (fcntl(2)), and this one reads the store.
func setImmutable(name string, on bool) error {
	flag := "-i"
	if on {
		flag = "+i"
	}
	out, err := exec.Command("chattr", flag, name).CombinedOutput()
	if err != nil {
		return fmt.Errorf("chattr %s: %w: %s", flag, err, out)
	}
	return nil
}
