using Spectre.Console;
using Spectre.Console.Rendering;

namespace Convoy.Cli.Training;

/// <summary>One line at the bottom of a terminal: a bar and figures, drawn anew at each update.</summary>
internal sealed class LiveBar : IDisposable
{
    private readonly IAnsiConsole _console;
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _shown;
    private LiveDisplayContext? _context;
    private IRenderable _line = Text.Empty;

    /// <summary>Takes the terminal's last line.</summary>
    public LiveBar(IAnsiConsole console)
    {
        _console = console;
        _shown = console.Live(_line).StartAsync(context =>
        {
            _context = context;
            return _done.Task;
        });
    }

    /// <summary>Shows how far the work is.</summary>
    public void Update(long done, long total, string figures)
    {
        _line = new Columns(
            new BreakdownChart().Width(24).HideTags().HideTagValues()
                .AddItem("done", Math.Max(done, 0.0001), Color.Green)
                .AddItem("left", Math.Max(total - done, 0), Color.Grey23),
            new Markup($"[bold]{done}/{total}[/]  {figures.EscapeMarkup()}")) { Expand = false };
        _context?.UpdateTarget(_line);
    }

    /// <summary>Writes a line above the bar.</summary>
    public void Say(string line)
    {
        _console.WriteLine(line);
        _context?.Refresh();
    }

    /// <summary>Leaves the bar as it stands and gives the terminal back.</summary>
    public void Dispose()
    {
        _done.TrySetResult();
        _shown.GetAwaiter().GetResult();
    }
}
