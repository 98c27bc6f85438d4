package bridge

import (
	"context"

	"golang.org/x/sync/errgroup"

	"dingbridge/dingtalk"
)

// answer is an object, or why it does not answer.
type answer struct {
	object dingtalk.Object
	err    error
}

// lookEach reads single objects, so many at once. An error of read is about the whole side and ends it.
func lookEach[T any](ctx context.Context, parallel int, ids []ID, read func(context.Context, ID) (T, error)) (map[ID]T, error) {
	found := make([]T, len(ids))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, id := range ids {
		g.Go(func() (err error) {
			found[i], err = read(gctx, id)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := make(map[ID]T, len(ids))
	for i, id := range ids {
		out[id] = found[i]
	}
	return out, nil
}

// unseen is an object that could not be read, unless the reason is one of the whole side.
func unseen(id ID, err error) (Seen, error) {
	f := classify(err)
	if f.Class == FailHalt {
		return Seen{}, err
	}
	return Seen{ID: id, Existence: Unseen, Fail: f}, nil
}
