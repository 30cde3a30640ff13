package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/internal/farm"
)

// drainEventual lets a worker finish what it was assigned.
const drainEventual = "EVENTUAL"

func (a *app) drainCommand() *cobra.Command {
	var fleet string
	var now, undo bool
	cmd := &cobra.Command{
		Use:   "drain WORKER",
		Short: "Give a worker no more work, so that its machine can be taken away",
		Long: `Gives a worker no more work. It finishes what it was assigned; with --now that is canceled and returns to the queue.
The worker stays online, idle, until it is stopped; in a fleet that scales it is told to stop. It takes work again with --undo, and when it
is started anew.`,
		Args: oneArg("worker id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if now && undo {
				return &usageError{errors.New("--now and --undo contradict each other"), "use one of them"}
			}
			mode := drainEventual
			if now {
				mode = "IMMEDIATE"
			} else if undo {
				mode = "NONE"
			}
			return a.drain(cmd.Context(), fleet, args[0], mode)
		},
	}
	a.farmFlags(cmd)
	cmd.Flags().StringVar(&fleet, "fleet-id", "", "the worker's fleet")
	cmd.Flags().BoolVar(&now, "now", false, "cancel what the worker was assigned")
	cmd.Flags().BoolVar(&undo, "undo", false, "let the worker take work again")
	return cmd
}

func (a *app) drain(ctx context.Context, fleet, worker, mode string) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	farmID := firstOf(a.global.farmID, os.Getenv(envFarmID))
	fleet = firstOf(fleet, os.Getenv(envFleetID))
	if c.local != nil {
		farmID, fleet = firstOf(farmID, c.local.FarmID), firstOf(fleet, c.local.FleetID)
	}
	if farmID == "" {
		return &usageError{errors.New("which farm is not known"), "name it with --farm-id or " + envFarmID}
	}
	if fleet == "" {
		return &usageError{errors.New("which fleet is not known"), "name it with --fleet-id or " + envFleetID}
	}
	return c.drain(ctx, farmID, fleet, worker, mode)
}

// drain asks the service to give a worker no more work.
func (c *connection) drain(ctx context.Context, farmID, fleet, worker, mode string) error {
	body, err := json.Marshal(farm.DrainInput{Mode: mode})
	if err != nil {
		return fmt.Errorf("drain worker %s: %w", worker, err)
	}
	path := fmt.Sprintf("/farmhand/v1/farms/%s/fleets/%s/workers/%s/drain", url.PathEscape(farmID), url.PathEscape(fleet), url.PathEscape(worker))
	if err := c.ownCall(ctx, http.MethodPut, path, body, &struct{}{}); err != nil {
		return fmt.Errorf("drain worker %s: %w", worker, err)
	}
	return nil
}
