using System.Globalization;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Scaling;

/// <summary>Predicts times at numbers of processes that were not measured, or says why it does not.</summary>
public sealed class Predictor
{
    /// <summary>Numbers of processes that have to be measured before anything is predicted.</summary>
    public const int LeastPoints = 3;

    /// <summary>Numbers of processes below which a prediction comes with a warning: fewer hardly tell the laws apart.</summary>
    public const int SoundPoints = 5;

    /// <summary>Beyond this multiple of the largest measured number, a prediction comes with a warning.</summary>
    public const int FarFactor = 4;

    // Models whose leave-one-out error is within this factor of the best are as believable: their predictions widen the interval.
    private const double RivalFactor = 2;

    private readonly ScalingSeries _series;
    private readonly ModelChoice _choice;
    private readonly double? _gradientBytes;
    private readonly string _gradientBytesName;

    /// <param name="series">What was measured.</param>
    /// <param name="choice">The models on it.</param>
    /// <param name="gradientBytes">Bytes that every process gives to the average of one step, for predictions of other networks; null when not known.</param>
    /// <param name="gradientBytesName">What the reader of a refusal can set them by.</param>
    public Predictor(ScalingSeries series, ModelChoice choice, double? gradientBytes = null, string gradientBytesName = "the gradients' bytes")
    {
        _series = series;
        _choice = choice;
        _gradientBytes = gradientBytes;
        _gradientBytesName = gradientBytesName;
    }

    /// <summary>Why nothing can be predicted on the measured network; null when something can.</summary>
    public string? Refusal =>
        _series.Points.Count < LeastPoints
            ? string.Create(CultureInfo.InvariantCulture, $"No prediction for {PrecisionName.InWords(_series.Precision)}: it takes {LeastPoints} numbers of processes at least, and {_series.Points.Count} {(_series.Points.Count == 1 ? "was" : "were")} measured. Measure more.")
            : _choice.Best is null || IntervalOf(_choice.Best, _series.Largest.Processes * 2) is null
                ? $"No prediction for {PrecisionName.InWords(_series.Precision)}: no model has enough points to be tested. Measure more numbers of processes, or with repeats."
                : null;

    /// <summary>Why nothing can be predicted for another network; null when something can.</summary>
    public string? LinkRefusal =>
        Refusal is { } refusal ? refusal
        : Communication is null ? $"No prediction of other networks for {PrecisionName.InWords(_series.Precision)}: the runs do not record the phases of their steps."
        : _gradientBytes is null ? $"No prediction of other networks for {PrecisionName.InWords(_series.Precision)}: it is not known how many bytes of gradients a step exchanges. Give {_gradientBytesName}."
        : IntervalOf(Communication, _series.Largest.Processes * 2) is null ? $"No prediction of other networks for {PrecisionName.InWords(_series.Precision)}: how uncertain it would be cannot be told. Measure more numbers of processes, or more steps."
        : null;

    private static Interval? IntervalOf(ModelAssessment model, int processes) => model.Fit.PredictionInterval(processes, model.LeaveOneOutError ?? 0);

    private ModelAssessment? Communication => _choice.Assessments.FirstOrDefault(a => a.Fit.Model is CommunicationModel);

    /// <summary>The prediction on the network that was measured on.</summary>
    /// <exception cref="InvalidOperationException">There is a <see cref="Refusal"/>.</exception>
    public Prediction Predict(int processes)
    {
        ModelAssessment best = Refusal is null ? _choice.Best! : throw new InvalidOperationException(Refusal);
        double seconds = best.Fit.Seconds(processes);
        Interval interval = IntervalOf(best, processes)!.Value;
        foreach (ModelAssessment rival in _choice.Assessments.Where(a => a.LeaveOneOutError <= best.LeaveOneOutError * RivalFactor))
        {
            interval = interval.Including(rival.Fit.Seconds(processes));
        }

        return new Prediction(processes, _series.Precision, seconds, interval, _series.Baseline.WorkSeconds / seconds, best.Fit.Model.Name, null);
    }

    /// <summary>The prediction with <paramref name="link"/> in place of the network that was measured on: computation as modelled, the exchange as a ring would take, nothing of it hidden.</summary>
    /// <exception cref="InvalidOperationException">There is a <see cref="LinkRefusal"/>.</exception>
    public Prediction Predict(int processes, Link link)
    {
        FittedModel fit = LinkRefusal is null ? Communication!.Fit : throw new InvalidOperationException(LinkRefusal);
        double[] terms = CommunicationModel.ExchangeTerms(processes);
        double measuredLink = (terms[0] * fit.Parameters[CommunicationParameters.LatencySeconds]) + (terms[1] * fit.Parameters[CommunicationParameters.TransferSeconds]);
        double exchange = link.AllReduceSeconds(_gradientBytes!.Value, processes);
        double seconds = fit.Seconds(processes) - measuredLink + exchange;
        Interval own = IntervalOf(Communication!, processes)!.Value;

        // The uncertainty of the measured parts; what the other network really does is not known. Hidden behind computation it costs nothing.
        double factor = Math.Sqrt(own.High / own.Low);
        return new Prediction(processes, _series.Precision, seconds, new Interval((seconds - exchange) / factor, seconds * factor), _series.Baseline.WorkSeconds / seconds, fit.Model.Name, link);
    }

    /// <summary>What to say of all predictions from few measured numbers of processes; null where there are <see cref="SoundPoints"/> of them.</summary>
    public string? FewPointsCaution => _series.Points.Count < SoundPoints
        ? string.Create(CultureInfo.InvariantCulture, $"Predictions for {_series.Precision} are from {_series.Points.Count} numbers of processes: fewer than {SoundPoints} hardly tell the laws of scaling apart. Take them as a direction, and measure more before you buy or rent by them.")
        : null;

    /// <summary>What to say beside a prediction; null when there is nothing.</summary>
    public string? Caution(int processes) => processes > _series.Largest.Processes * FarFactor
        ? string.Create(CultureInfo.InvariantCulture, $"{processes} processes is over {FarFactor} times the largest number measured ({_series.Largest.Processes}): that prediction is a guess about a machine nobody measured.")
        : null;
}

/// <summary>A time that was not measured.</summary>
/// <param name="Processes">The number of processes.</param>
/// <param name="Precision">The series' precision.</param>
/// <param name="Seconds">The time of the baseline's work.</param>
/// <param name="Interval">The 95 % interval of a measurement there.</param>
/// <param name="Speedup">Against the series' baseline.</param>
/// <param name="ModelName">The model that was used.</param>
/// <param name="Link">The network that it is for; null for the one that was measured on.</param>
public sealed record Prediction(int Processes, string Precision, double Seconds, Interval Interval, double Speedup, string ModelName, Link? Link);

/// <summary>A network between the processes, to predict for in place of the one that was measured on.</summary>
/// <param name="GigabitsPerSecond">What one process can send, in 10^9 bits a second; above 0.</param>
/// <param name="LatencyMicroseconds">What one message takes whatever its size; 0 or more.</param>
public sealed record Link(double GigabitsPerSecond, double LatencyMicroseconds)
{
    /// <summary>The time of one all-reduce of <paramref name="bytes"/> bytes between <paramref name="processes"/> processes, as a ring does it.</summary>
    public double AllReduceSeconds(double bytes, double processes)
    {
        double[] terms = CommunicationModel.ExchangeTerms(processes);
        return (terms[0] * LatencyMicroseconds * 1e-6) + (terms[1] * bytes * 8 / (GigabitsPerSecond * 1e9));
    }
}
