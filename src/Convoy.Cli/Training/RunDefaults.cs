using System.CommandLine;
using System.Globalization;
using Convoy.Lanes.Training;

namespace Convoy.Cli.Training;

/// <summary>
/// The settings of a verb's runs where the command line says nothing, and the options that show them: what <c>--help</c> says is
/// read from what a run takes.
/// </summary>
/// <param name="of">The settings for data at a path, and whether that data is drawn.</param>
/// <param name="inWords">What help says of the defaults of these options, where they are not among the settings.</param>
internal sealed class RunDefaults(Func<string, bool, TrainingOptions> of, IReadOnlyDictionary<string, string>? inWords = null)
{
    private readonly TrainingOptions _onGivenData = of(string.Empty, false);
    private readonly TrainingOptions _onDrawnData = of(string.Empty, true);

    /// <summary>The settings of a run.</summary>
    /// <param name="data">Where its data is, or will be.</param>
    /// <param name="drawn">Whether that is drawn.</param>
    public TrainingOptions Of(string data, bool drawn) => of(data, drawn);

    /// <summary>An option with the default that holds for it, or with both where drawn data has another.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="description">What it does, without the default.</param>
    /// <param name="setting">Its setting.</param>
    /// <param name="otherwise">What holds where the setting is null.</param>
    public Option<T> Option<T>(string name, string description, Func<TrainingOptions, T> setting, string otherwise = "none")
    {
        T onGiven = setting(_onGivenData), onDrawn = setting(_onDrawnData);
        if (inWords is not null && inWords.TryGetValue(name, out string? words))
        {
            return new Option<T>(name) { Description = $"{description} [default: {words}]" };
        }

        if (!EqualityComparer<T>.Default.Equals(onGiven, onDrawn))
        {
            return new Option<T>(name) { Description = $"{description} [default: {Text(onGiven, otherwise)}, with --data {DrawnData.Name} {Text(onDrawn, otherwise)}]" };
        }

        return onGiven is null
            ? new Option<T>(name) { Description = $"{description} [default: {otherwise}]" }
            : new Option<T>(name) { Description = description, DefaultValueFactory = _ => onGiven };
    }

    private static string Text<T>(T value, string otherwise) => Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : otherwise;
}
