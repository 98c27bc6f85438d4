package odoo

import (
	"fmt"
	"io"
	"os"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/kolo/xmlrpc"
)

const (
	answerHead = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><array><data>\n"
	answerTail = "</data></array></value>\n</param>\n</params>\n</methodResponse>\n"
)

// manyRows is the answer of a search_read with so many thousand rows of twelve fields, written as Odoo writes it. It takes no memory
// of the size of the answer: a block of a thousand rows is repeated.
func manyRows(n int) io.Reader {
	block := rowsBlock()
	parts := []io.Reader{strings.NewReader(answerHead)}
	for range n / 1000 {
		parts = append(parts, strings.NewReader(block))
	}
	return io.MultiReader(append(parts, strings.NewReader(answerTail))...)
}

func rowsBlock() string {
	var b strings.Builder
	member := func(name, kind, value string) {
		b.WriteString("<member>\n<name>" + name + "</name>\n<value>")
		if kind == "array" {
			b.WriteString("<array><data>\n<value><int>" + value + "</int></value>\n<value><string>研发部 / R&amp;D " + value + "</string></value>\n</data></array></value>\n</member>\n")
			return
		}
		b.WriteString("<" + kind + ">" + value + "</" + kind + "></value>\n</member>\n")
	}
	for i := range 1000 {
		id := fmt.Sprint(10_000 + i)
		b.WriteString("<value><struct>\n")
		member("id", "int", id)
		member("name", "string", "员工"+id)
		member("work_email", "string", "p"+id+"@example.com")
		member("mobile_phone", "string", "+86 138 0000 "+id)
		member("job_title", "string", "Senior Engineer")
		member("department_id", "array", id)
		member("parent_id", "array", id)
		member("user_id", "boolean", "0")
		member("active", "boolean", "1")
		member("color", "int", "3")
		member("create_date", "string", "2026-11-23 17:53:30")
		member("write_date", "string", "2026-11-23 18:04:05")
		b.WriteString("</struct></value>\n")
	}
	return b.String()
}

// BenchmarkDecode reads an answer of 80,000 rows of twelve fields with this package's decoder and with kolo/xmlrpc's, and prints
// both: MB/s of the answer and the heap at its peak. kolo needs the answer in memory and keeps its rows, there is no other way.
func BenchmarkDecode(b *testing.B) {
	rows := 80_000
	if testing.Short() {
		rows = 8_000
	}
	size, err := io.Copy(io.Discard, manyRows(rows))
	if err != nil {
		b.Fatal(err)
	}
	results := map[string]result{}
	for _, c := range []struct {
		name   string
		decode func(io.Reader) (int, error)
	}{
		{"rows", func(in io.Reader) (n int, err error) {
			_, err = newDecoder(in).answer(func(Record) error { n++; return nil })
			return n, err
		}},
		{"kolo", func(in io.Reader) (int, error) {
			body, err := io.ReadAll(in)
			if err != nil {
				return 0, err
			}
			var out any
			err = xmlrpc.Response(body).Unmarshal(&out)
			list, _ := out.([]any)
			return len(list), err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			peak := heapPeak()
			began := time.Now()
			for b.Loop() {
				if n, err := c.decode(manyRows(rows)); n != rows || err != nil {
					b.Fatal(n, err)
				}
			}
			r := result{float64(size) * float64(b.N) / time.Since(began).Seconds() / 1e6, peak()}
			b.ReportMetric(r.heap, "peak-MB")
			results[c.name] = r
		})
	}
	own, kolo := results["rows"], results["kolo"]
	fmt.Fprintf(os.Stdout, "\nan answer of %d rows, %.0f MB: %.0f MB/s with a heap of %.0f MB; kolo %.0f MB/s with %.0f MB; %.1f times\n\n",
		rows, float64(size)/1e6, own.speed, own.heap, kolo.speed, kolo.heap, own.speed/kolo.speed)
}

type result struct{ speed, heap float64 }

// heapPeak watches the heap until the returned function is called, which tells its peak in MB.
func heapPeak() func() float64 {
	stop, peak := make(chan struct{}), make(chan float64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		most := 0.0
		for {
			metrics.Read(sample)
			most = max(most, float64(sample[0].Value.Uint64())/1e6)
			select {
			case <-tick.C:
			case <-stop:
				peak <- most
				return
			}
		}
	}()
	return func() float64 {
		close(stop)
		return <-peak
	}
}
