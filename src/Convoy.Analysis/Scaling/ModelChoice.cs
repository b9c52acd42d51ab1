namespace Convoy.Analysis.Scaling;

/// <summary>All models on one series; the one whose leave-one-out error is lowest is used.</summary>
/// <param name="Assessments">The models that could be fitted, best first; those without a leave-one-out error last.</param>
public sealed record ModelChoice(IReadOnlyList<ModelAssessment> Assessments)
{
    // Beyond so many numbers of processes several are left out at once: as many fits as points would take the square of the time.
    private const int MostFits = 50;

    /// <summary>The model to use; null when none could be tested.</summary>
    public ModelAssessment? Best => Assessments.FirstOrDefault(a => a.LeaveOneOutError is not null);

    /// <summary>Fits and tests <paramref name="models"/>.</summary>
    public static ModelChoice Fit(IReadOnlyList<ScalingPoint> points, IReadOnlyList<ScalingModel> models) => new(
    [
        .. models.Select(m => m.Fit(points)).OfType<FittedModel>()
            .Select(f => new ModelAssessment(f, LeaveOneOut(f.Model, points)))
            .OrderBy(a => a.LeaveOneOutError ?? double.MaxValue)
            .ThenBy(a => a.Fit.Model.LeastPoints),
    ]);

    private static double? LeaveOneOut(ScalingModel model, IReadOnlyList<ScalingPoint> points)
    {
        if (points.Count <= model.LeastPoints)
        {
            return null;
        }

        double sum = 0;
        int folds = Math.Min(points.Count, MostFits);
        for (int fold = 0; fold < folds; fold++)
        {
            ILookup<bool, ScalingPoint> isLeft = points.Index().ToLookup(p => p.Index % folds == fold, p => p.Item);
            if (model.Fit([.. isLeft[false]]) is not { } fit)
            {
                return null;
            }

            sum += isLeft[true].Sum(left => Math.Abs((fit.Seconds(left.Processes) / left.WorkSeconds) - 1));
        }

        return sum / points.Count;
    }
}

/// <summary>A fitted model and how well it predicts points that it was not fitted on.</summary>
/// <param name="Fit">The fit on all points.</param>
/// <param name="LeaveOneOutError">The mean over points of |predicted / measured - 1| of the fit on all other points; null when there are too few to leave one out.</param>
public sealed record ModelAssessment(FittedModel Fit, double? LeaveOneOutError);
