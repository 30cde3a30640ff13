package installation

import (
	"time"

	"github.com/farmhand-render/farmhand/internal/committer"
)

// Recorder is told all that the schedulers are told: see package replay.
type Recorder = committer.Recorder

// maxHold is how long the poll of a worker of ours is held when there is no news.
const maxHold = 20 * time.Second

// hold bounds it by the time after which a worker that is silent counts as lost.
func (c Config) hold() time.Duration {
	if t := c.Scheduler.HeartbeatTimeout; t > 0 {
		return min(maxHold, t/3)
	}
	return maxHold
}

// EndPolls answers the polls that are held, and holds no more: the server that holds them ends.
func (i *Installation) EndPolls() { i.waiting.Close() }
