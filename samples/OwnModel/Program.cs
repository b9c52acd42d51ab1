using Convoy.Samples.OwnModel;
using Convoy.Training.Programs;

return TrainingProgram.Run(args, new ShapesTask());
