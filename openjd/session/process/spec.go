package process

import "time"

// MaxLine is the most bytes that one [Line] holds; longer lines arrive in pieces.
const MaxLine = 64 << 10

// Line is one line of output, without its line end.
type Line struct {
	// Text is valid UTF-8: a byte that is not part of a character is written \xNN, as text.
	Text string
	// Continued says that this is a further piece of a line longer than [MaxLine], More that another piece of it follows.
	Continued, More bool
}

// Spec is a command to start.
type Spec struct {
	// Command is a path, relative to Dir, or a name to look for in the PATH of Env.
	Command string
	// Args are the arguments after the command.
	Args []string
	// Dir is the working directory, absolute.
	Dir string
	// Env is the whole environment, NAME=value; where a name repeats the last one counts.
	Env []string
	// User is whom to run as, nil for the user of this program.
	User *User
	// Output receives the lines of standard output and standard error, in order of writing.
	Output func(Line)
	// Late receives lines written after the process was done, by children that it left in the background. Nil discards them.
	Late func(Line)
	// DrainQuiet is how long the output must be silent after the command has exited, while background children hold
	// it open, to count as finished; 0 means [DefaultDrainQuiet]. DrainLimit bounds the wait whatever happens; 0 means
	// [DefaultDrainLimit].
	DrainQuiet, DrainLimit time.Duration
}

// Defaults of the time given to background children for finishing their output.
const (
	DefaultDrainQuiet = 500 * time.Millisecond
	DefaultDrainLimit = 5 * time.Second
)

// Exit tells how a command ended.
type Exit struct {
	// Code is the exit code; -1 when a signal ended the command.
	Code int
	// Signal is the name of the signal that ended the command, such as "killed", or "".
	Signal string
	// SignalNumber is its number, 0 without one.
	SignalNumber int
}

// Success says whether the exit code is 0.
func (e Exit) Success() bool { return e.Code == 0 && e.SignalNumber == 0 }
