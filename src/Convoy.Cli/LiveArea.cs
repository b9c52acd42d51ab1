using Spectre.Console;
using Spectre.Console.Rendering;

namespace Convoy.Cli;

/// <summary>The last lines of a terminal, redrawn at each update.</summary>
internal sealed class LiveArea : IDisposable
{
    private readonly IAnsiConsole _console;
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _shown;
    private readonly LiveDisplayContext _context;

    /// <summary>Takes the terminal's last lines.</summary>
    public LiveArea(IAnsiConsole console)
    {
        _console = console;
        var started = new TaskCompletionSource<LiveDisplayContext>();
        _shown = console.Live(Text.Empty).StartAsync(context =>
        {
            started.SetResult(context);
            return _done.Task;
        });

        // It starts at once, or fails because something else is live on this terminal.
        Task.WaitAny(started.Task, _shown);
        if (!started.Task.IsCompleted)
        {
            _shown.GetAwaiter().GetResult();
        }

        _context = started.Task.Result;
    }

    /// <summary>Shows <paramref name="content"/> in place of what was there.</summary>
    public void Update(IRenderable content) => _context.UpdateTarget(content);

    /// <summary>Writes a line above the area.</summary>
    public void Say(string line)
    {
        _console.WriteLine(line);
        _context.Refresh();
    }

    /// <summary>Leaves the area as it stands and gives the terminal back.</summary>
    public void Dispose()
    {
        _done.TrySetResult();
        _shown.GetAwaiter().GetResult();
    }
}
