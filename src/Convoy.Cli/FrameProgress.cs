using Spectre.Console;

namespace Convoy.Cli;

/// <summary>A bar for work on a known number of frames, on a terminal only; it is gone when the work is done.</summary>
internal static class FrameProgress
{
    /// <summary>Does <paramref name="work"/>, which tells how many frames are done, from any thread.</summary>
    /// <param name="console">Where the bar is drawn.</param>
    /// <param name="title">What is being done.</param>
    /// <param name="frames">How many frames there are.</param>
    /// <param name="work">The work.</param>
    public static T Show<T>(IAnsiConsole console, string title, int frames, Func<IProgress<int>?, T> work) =>
        !ConsoleOutput.IsTerminal(console)
            ? work(null)
            : console.Progress().AutoClear(true).Start(context => work(new Bar(context.AddTask(Markup.Escape(title), maxValue: frames))));

    /// <summary>Does <paramref name="work"/>, which tells how many of how many parts are done once it has begun, from any thread.</summary>
    /// <param name="console">Where the bar is drawn.</param>
    /// <param name="title">What is being done.</param>
    /// <param name="work">The work.</param>
    public static async Task ShowAsync(IAnsiConsole console, string title, Func<IProgress<(int Done, int Total)>, Task> work)
    {
        var bar = new LateBar(console, title);
        if (!ConsoleOutput.IsTerminal(console))
        {
            await work(bar);
            return;
        }

        await console.Progress().AutoClear(true).StartAsync(async context =>
        {
            bar.Attach(context);
            await work(bar);
        });
    }

    // A bar that appears with the first report: most data need not be made ready. Without a terminal there is one line in its place.
    private sealed class LateBar(IAnsiConsole console, string title) : IProgress<(int Done, int Total)>
    {
        private readonly Lock _gate = new();
        private ProgressContext? _context;
        private ProgressTask? _task;
        private bool _said;

        public void Attach(ProgressContext context) => _context = context;

        public void Report((int Done, int Total) value)
        {
            lock (_gate)
            {
                if (_context is not null)
                {
                    _task ??= _context.AddTask(Markup.Escape(title), maxValue: value.Total);
                    _task.Value = value.Done;
                }
                else if (!_said)
                {
                    _said = true;
                    console.WriteLine($"{title} ...");
                }
            }
        }
    }

    // The base class library's Progress reports from other threads, later.
    private sealed class Bar(ProgressTask task) : IProgress<int>
    {
        public void Report(int value) => task.Value = value;
    }
}
