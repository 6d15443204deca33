"""Counting the ends of jobs from outside the program, so that "exactly once" can be shown."""


class Ledger:
    """Notes in the database each time a job reaches a final state, so that "exactly once" can be counted."""

    def __init__(self, stack):
        self.stack = stack
        stack.query("""
            CREATE TABLE public.ended (job_id uuid, state text, at timestamptz DEFAULT clock_timestamp());
            CREATE FUNCTION public.note_end() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
            BEGIN
                IF NEW.state IN ('succeeded', 'failed', 'cancelled')
                   AND OLD.state NOT IN ('succeeded', 'failed', 'cancelled') THEN
                    INSERT INTO public.ended (job_id, state) VALUES (NEW.job_id, NEW.state);
                ELSIF OLD.state IN ('succeeded', 'failed', 'cancelled') THEN
                    INSERT INTO public.ended (job_id, state) VALUES (NEW.job_id, 'changed after its end');
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER note_end AFTER UPDATE ON msp.jobs FOR EACH ROW EXECUTE FUNCTION public.note_end();
        """)

    def ends(self, job_id):
        return [state for state, in self.stack.query("SELECT state FROM public.ended WHERE job_id = %s", (job_id,))]

    def counts(self):
        """{job id: its final states in order} of every job that has ended."""
        counted = {}
        for job_id, state in self.stack.query("SELECT job_id::text, state FROM public.ended ORDER BY at"):
            counted.setdefault(job_id, []).append(state)
        return counted
