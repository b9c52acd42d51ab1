using Spectre.Console;
using Spectre.Console.Rendering;

namespace Convoy.Cli.Training;

/// <summary>One line at the bottom of a terminal: a bar and figures, drawn anew at each update.</summary>
internal sealed class LiveBar : IDisposable
{
    private readonly IAnsiConsole _console;
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _shown;
    private readonly LiveDisplayContext _context;

    /// <summary>Takes the terminal's last line.</summary>
    public LiveBar(IAnsiConsole console)
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

    /// <summary>Shows how far the work is.</summary>
    public void Update(long done, long total, string figures)
    {
        IRenderable line = new Columns(
            new BreakdownChart().Width(24).HideTags().HideTagValues()
                .AddItem("done", Math.Max(done, 0.0001), Color.Green)
                .AddItem("left", Math.Max(total - done, 0), Color.Grey23),
            new Markup($"[bold]{done}/{total}[/]  {figures.EscapeMarkup()}")) { Expand = false };
        _context.UpdateTarget(line);
    }

    /// <summary>Writes a line above the bar.</summary>
    public void Say(string line)
    {
        _console.WriteLine(line);
        _context.Refresh();
    }

    /// <summary>Leaves the bar as it stands and gives the terminal back.</summary>
    public void Dispose()
    {
        _done.TrySetResult();
        _shown.GetAwaiter().GetResult();
    }
}
