namespace Convoy.Analysis.Scaling;

/// <summary>A fitted model and how well it foretells points that it was not fitted on.</summary>
/// <param name="Fit">The fit on all points.</param>
/// <param name="LeaveOneOutError">The mean over points of |predicted / measured - 1| of the fit on all other points; null when there are too few to leave one out.</param>
public sealed record ModelAssessment(FittedModel Fit, double? LeaveOneOutError);
